"""The inpainter: its fill, its hole shapes, its training at toy size, and the shipped weights against Telea.

And that no lattice is in its fills, which one was.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from unripple.known_plate.plates import plate
from unripple.networks.lama import LamaGenerator
from unripple.networks.lama_lite import LamaLite, smooth_fill
from unripple.settings.plates import STUDY_PLATES
from unripple.training import inpainter, masks, matted_faces, runner, scenes
from unripple.training.augment import Dice, signed
from unripple.training.inpainter import distances, gradients, painting_loss, quality, telea, train
from unripple.training.runner import Run
from unripple.training.scenes import Scenes
from unripple.weights.lite import load_into
from unripple.weights.st_lpips import load_st_lpips

MODELS = Path(__file__).parents[1] / "models" / "lite"
SHIPPED = MODELS / "inpainter.safetensors"


def silhouettes(size: int = 64, *across: float) -> Tensor:
    """Heads and shoulders, bool (B, 1, size, size), one for each place of a head's middle."""
    return torch.from_numpy(np.stack([_silhouette(size, middle) for middle in across or (0.5, 0.4)]))[:, None]


def _silhouette(size: int, across: float) -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[:size, :size] / size
    head = ((x - across) / 0.2) ** 2 + ((y - 0.42) / 0.28) ** 2 < 1
    shoulders = ((x - across) / 0.42) ** 2 + ((y - 1.0) / 0.3) ** 2 < 1
    return np.asarray(head | shoulders)


def toy_scenes(size: int = 64) -> Scenes:
    """Striped plates, which a smooth fill cannot continue and a network soon can."""
    rng = np.random.default_rng(0)
    stripes = np.where((np.arange(size) // 4) % 2, 200, 60)[None, None, :, None] * rng.uniform(0.3, 1, (6, 1, 1, 3))
    plates = np.broadcast_to(stripes, (6, size, size, 3)).astype(np.uint8)
    mattes = silhouettes(size)[:, 0].byte() * 255
    persons = torch.where(mattes > 0, 120, 20).byte()[..., None].repeat(1, 1, 1, 3)
    return Scenes(torch.from_numpy(plates), persons, mattes)


def cpu() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def some_hole(height: int, width: int) -> Tensor:
    hole = torch.zeros(1, 1, height, width, dtype=torch.bool)
    hole[..., height // 4 : height // 2, width // 3 :] = True  # touches the border
    return hole


def test_smooth_fill_of_a_flat_picture_is_flat() -> None:
    flat = torch.full((1, 3, 24, 37), 0.25)
    hole = some_hole(24, 37)
    torch.testing.assert_close(smooth_fill(torch.where(hole, torch.ones(()), flat), hole), flat)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), height=st.integers(8, 40), width=st.integers(8, 40))
def test_smooth_fill_keeps_what_is_known_and_invents_no_colour(seed: int, height: int, width: int) -> None:
    random = torch.Generator().manual_seed(seed)
    rgb = torch.rand(1, 3, height, width, generator=random) * 2 - 1
    hole = torch.rand(1, 1, height, width, generator=random) < 0.7
    hole[..., 0, 0] = False
    filled = smooth_fill(rgb, hole)
    torch.testing.assert_close(torch.where(hole, torch.zeros(()), filled), torch.where(hole, torch.zeros(()), rgb))
    known = rgb[(~hole).expand_as(rgb)]
    assert float(known.min()) - 1e-5 <= float(filled.min())
    assert float(filled.max()) <= float(known.max()) + 1e-5


@pytest.mark.parametrize("size", [(64, 64), (50, 71)])
def test_outside_the_mask_the_picture_is_bit_equal(size: tuple[int, int]) -> None:
    network = LamaLite(ngf=4, blocks=1).eval()
    rgb = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    hole = some_hole(*size)
    with torch.no_grad():
        painted = network(rgb, hole)
    assert torch.equal(painted[(~hole).expand_as(rgb)], rgb[(~hole).expand_as(rgb)])
    assert float(painted.abs().max()) <= 1


def test_wrong_mask_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mask: expected \(1, 1, 16, 16\), found \(1, 1, 8, 16\)"):
        LamaLite(ngf=4, blocks=1)(torch.zeros(1, 3, 16, 16), torch.zeros(1, 1, 8, 16, dtype=torch.bool))


@torch.no_grad()
def lattice(fill: Tensor, period: int = 8) -> float:
    """How far the pixels of a cell differ, by their place in it, from what is around them: fill ``(B, C, H, W)``."""
    around = F.avg_pool2d(fill, 2 * period + 1, stride=1, padding=period, count_include_pad=False)
    detail = (fill - around)[..., period:-period, period:-period]
    cells = detail.unflatten(3, (-1, period)).unflatten(2, (-1, period))  # (B, C, rows, y, columns, x)
    return float(cells.mean(dim=(2, 4)).std(dim=(2, 3)).mean())


@torch.no_grad()
def test_a_flat_picture_gets_a_flat_fill_whatever_the_weights() -> None:
    """What depends on a pixel's place alone is an artefact; the transposed convolutions of LaMa's decoder have one."""
    torch.manual_seed(0)
    flat, hole = torch.full((1, 3, 64, 64), 0.25), torch.ones(1, 1, 64, 64, dtype=torch.bool)
    lite, papers = LamaLite(ngf=8, blocks=2).eval(), LamaGenerator(8, 3, 2).eval()
    torch.nn.init.normal_(lite.last.weight)
    added = lite.paint(flat, hole)
    torch.testing.assert_close(added, added[..., :1, :1].expand_as(added), rtol=1e-4, atol=1e-5)
    assert float(added.abs().max()) > 0.01
    assert lattice(added) < 1e-6 < 1e-4 < lattice(papers(torch.cat((flat, hole.float()), dim=1)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_bands_spare_the_person_and_are_neither_specks_nor_everything(seed: int) -> None:
    persons = silhouettes()
    for hole, person in zip(masks.band(persons, Dice(seed, 0), spared=persons), persons, strict=True):
        assert not (hole & person).any()
        assert not hole.any() or masks.BAND_AREA[0] < float(hole.float().mean()) < masks.BAND_AREA[1]


def test_a_shoulder_that_leaves_the_picture_keeps_leaving_it() -> None:
    assert masks.moved(torch.ones(4, 1, 32, 32, dtype=torch.bool), Dice(0, 0)).all()


def test_a_point_grows_to_about_a_disc_of_its_own_radius() -> None:
    points = torch.zeros(3, 1, 33, 33, dtype=torch.bool)
    points[..., 16, 16] = True
    radius = torch.tensor([0.9, 5.0, 11.5])
    grown = masks.dilated(points, radius, 11)
    for one, reach in zip(grown, radius.floor().long(), strict=True):
        across = one[0, 16].nonzero().flatten()
        assert (int(across[0]), int(across[-1])) == (16 - reach, 16 + reach)
        y, x = one[0].nonzero().sub(16).unbind(1)
        assert float(torch.hypot(x.float(), y.float()).max()) <= 1.1 * reach + 0.5


def test_a_shifted_whole_person_leaves_no_copy_behind() -> None:
    person = torch.zeros(40, 1, 64, 64, dtype=torch.bool)
    person[..., 40:, 24:40] = True
    for hole in masks.whole(person, Dice(0, 0)):
        columns = hole[0].any(dim=0).nonzero().flatten()
        assert len(columns) == int(columns[-1] - columns[0]) + 1 <= 16 + 2 * 2
        assert not hole[0, :38].any()


def test_a_person_is_never_under_the_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "recoloured", lambda rgb, dice: rgb)
    targets, holes = toy_scenes().batch(0, 0, 60)
    person = torch.full((3, 1), 120 / 127.5 - 1)
    assert holes.any(dim=(1, 2, 3)).float().mean() > 0.8
    for target, hole in zip(targets, holes, strict=True):
        assert not torch.isclose(target[:, hole[0]], person).all(dim=0).any()


def test_a_step_asks_its_device_nothing() -> None:
    """So a GPU does not wait: tensors on ``meta`` have no values to ask for, and mix with no others."""
    target, hole = toy_scenes().to(torch.device("meta")).batch(0, 0, 4)
    network, perception = LamaLite(ngf=4, blocks=1).to("meta"), load_st_lpips().to("meta")
    loss, _ = painting_loss(network.paint(target, hole), target, hole, perception)
    loss.backward()
    assert {parameter.grad.shape for parameter in network.last.parameters() if parameter.grad is not None} == {
        network.last.weight.shape,
        (3,),
    }


def test_plates_are_the_same_whoever_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = scenes.plates(4, 32)
    monkeypatch.setattr(scenes, "PLATES_EACH", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    torch.testing.assert_close(scenes.plates(4, 32), alone)


def test_persons_are_rendered_where_there_is_no_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matted_faces, "DOUBTS", 1.0)
    pictures, mattes, held_out = scenes.rendered_persons(MODELS, 2, torch.device("cpu"))
    assert (pictures.shape, mattes.shape, held_out.tolist()) == ((2, 256, 256, 3), (2, 256, 256), [False, False])
    assert mattes[:, 100:150, 120:136].min() > 200  # a face in the middle
    assert matted_faces.held_out(40).nonzero().flatten().tolist() == [19, 39]


def test_gradients_of_a_ramp() -> None:
    ramp = torch.arange(5.0).expand(1, 1, 4, 5)
    across, down = gradients(ramp)
    assert across[..., :4].eq(1).all()
    assert across[..., 4].eq(0).all()
    assert down.eq(0).all()


def test_the_loss_of_the_truth_is_zero() -> None:
    target, hole = toy_scenes().batch(0, 0, 2)
    loss, parts = painting_loss(target, target, hole, load_st_lpips())
    assert float(loss) == pytest.approx(0, abs=1e-6)
    assert {name: float(part) for name, part in parts.items()} == pytest.approx({"l1": 0, "st_lpips": 0}, abs=1e-6)


def test_a_short_training_paints_better_than_the_smooth_fill_it_starts_from() -> None:
    seen = toy_scenes()
    target, hole = seen.batch(9, 0, 6)
    start = torch.where(hole, smooth_fill(target, hole), target)
    torch.testing.assert_close(LamaLite(ngf=4, blocks=1).eval()(target, hole), start.clamp(-1, 1))
    trained = train(seen, cpu(), steps=70, batch=2, rate=5e-3, ngf=8, blocks=1, half_size=0)
    with torch.no_grad():
        painted = trained(target, hole)
    before, after = (distances(x, target, hole, load_st_lpips()) for x in (start, painted))
    assert after[0] < 0.8 * before[0]
    assert after[1] < 0.9 * before[1]


class Killed(Exception):
    pass


def test_a_killed_training_ends_as_an_unbroken_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, file = toy_scenes(), tmp_path / "run.ckpt"
    unbroken = train(seen, cpu(), steps=5, batch=1, ngf=4, blocks=1)
    monkeypatch.setattr(runner, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(inpainter, "REPORT_EVERY", 1)
    report = Run.report

    def killed_at_three(self: Run, **values: float) -> None:
        report(self, **values)
        if self.step == 3:
            raise Killed

    monkeypatch.setattr(Run, "report", killed_at_three)
    with pytest.raises(Killed):
        train(seen, cpu(), steps=5, batch=1, ngf=4, blocks=1, checkpoint=file)
    monkeypatch.setattr(Run, "report", report)
    resumed = train(seen, cpu(), steps=5, batch=1, ngf=4, blocks=1, checkpoint=file)
    for key, value in unbroken.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


def test_telea_keeps_what_is_outside() -> None:
    rgb = signed(torch.randint(0, 256, (1, 32, 32, 3), generator=torch.Generator().manual_seed(0)).byte())
    hole = some_hole(32, 32)
    outside = (~hole).expand_as(rgb)
    torch.testing.assert_close(telea(rgb, hole)[outside], rgb[outside])


def test_shipped_weights_beside_telea_in_unseen_plates() -> None:
    """Better over thin bands, and clearly better over whole persons."""
    rng = np.random.default_rng(21)
    plates = torch.from_numpy(np.stack([plate(name, rng, 256) for name in STUDY_PLATES for _ in range(3)]))
    mattes = silhouettes(256)[:, 0].byte() * 255
    figures = {k: float(v) for k, v in quality(load_into(LamaLite(), SHIPPED), plates, mattes, seed=1).items()}
    assert figures["st_lpips_persons_lama_lite"] < 0.95 * figures["st_lpips_persons_telea"]
    assert figures["st_lpips_bands_lama_lite"] < figures["st_lpips_bands_telea"]


def test_shipped_weights_weave_nothing_into_a_smooth_background() -> None:
    """In grey levels; those before the decoder was LaMa's no longer had 1.7."""
    ramp = torch.linspace(-0.6, 0.6, 256)
    rgb = torch.stack((ramp.expand(256, 256), -ramp[:, None].expand(256, 256), 0.3 * ramp.expand(256, 256)))[None]
    painted = load_into(LamaLite(), SHIPPED)(rgb, silhouettes(256, 0.5))
    assert 127.5 * lattice(painted[..., 96:224, 80:176]) < 0.3
