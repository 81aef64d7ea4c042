"""ADA's training on true turns: what is asked for in closed form, and a few steps on toy faces."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F
from typer import Typer
from typer.testing import CliRunner

from unripple.files.tensors import to_256, to_uint8
from unripple.networks.consultation import Aligner, pass_distortion
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.training import runner, turned_faces, turns
from unripple.training.augment import signed
from unripple.training.turned_faces import OUTSIDE, Turns, load_turns, miss, turned_chunk, wanted
from unripple.training.turns import Recipe, by_network, quality, train
from unripple.weights.lite import load_ada_pose, load_direction, load_generator, load_mapping

SIDE, SHIFT = 32, 4
HALF = torch.cat((torch.ones(2, 1, SIDE, SIDE // 2), torch.zeros(2, 1, SIDE, SIDE // 2)), dim=3)


@pytest.fixture(scope="module")
def toy() -> Turns:
    """Blobs on grey whose turn is a shift to the left; their inversions are grey, and all is person."""
    noise = torch.Generator().manual_seed(0)
    blobs = F.interpolate(torch.rand(6, 3, 8, 8, generator=noise), size=SIDE, mode="bilinear")
    photo = blobs.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1)
    grey, person = torch.full_like(photo, 128), torch.full(photo.shape[:3], 255, dtype=torch.uint8)
    return Turns(photo, grey, grey, photo.roll(-SHIFT, dims=2), person, person)


def some(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def pictures() -> tuple[Tensor, Tensor, Tensor]:
    """Photo, edit, true edit."""
    photo, edited, true = (some(2, 3, SIDE, SIDE, seed=seed) for seed in range(3))
    return photo, edited, true


def test_a_turn_by_nothing_asks_for_the_distortion_map_itself() -> None:
    photo, rendered, _ = pictures()
    for person in (torch.ones_like(HALF), torch.zeros_like(HALF)):
        torch.testing.assert_close(wanted(photo, rendered, photo, person, person), photo - rendered)


def test_each_region_asks_for_its_own() -> None:
    photo, edited, true = pictures()
    nobody, everybody = torch.zeros_like(HALF), torch.ones_like(HALF)
    assert torch.equal(wanted(photo, edited, true, nobody, everybody), true - edited)
    assert torch.equal(wanted(photo, edited, true, nobody, nobody), photo - edited)
    assert not wanted(photo, edited, true, everybody, nobody).any()  # what they uncover


def test_the_true_edit_s_background_does_not_matter() -> None:
    photo, edited, true = pictures()
    aligned, before = some(2, 3, SIDE, SIDE, seed=3), HALF.flip(-1)

    def loss(of: Tensor) -> float:
        return float(miss(aligned, wanted(photo, edited, of, before, HALF), HALF))

    elsewhere, within = true.clone(), true.clone()
    elsewhere[..., SIDE // 2 :] = -1
    within[..., : SIDE // 2] = -1
    assert loss(elsewhere) == loss(true) != loss(within)


def test_the_miss_is_a_mean_that_weighs_the_person_more() -> None:
    target = torch.zeros(2, 3, SIDE, SIDE)
    assert float(miss(target + 0.25, target, HALF)) == pytest.approx(0.25)
    inside, outside = (float(miss(0.25 * part.expand(-1, 3, -1, -1), target, HALF)) for part in (HALF, 1 - HALF))
    assert inside + outside == pytest.approx(0.25) and outside == pytest.approx(OUTSIDE * inside)


def test_quality_is_that_of_the_person_alone() -> None:
    grey = torch.full((2, SIDE, SIDE, 3), 100, dtype=torch.uint8)
    person = HALF[:, 0].mul(255).to(torch.uint8)
    turned = Turns(grey, grey, grey, grey, person, person)

    def off(_: Turns) -> list[Tensor]:
        return [torch.where(matte > 0, 0.1, 5.0).expand(3, -1, -1) for matte in HALF]

    l1, psnr = quality(off, turned)
    assert l1 == pytest.approx(0.1) and psnr == pytest.approx(10 * np.log10(4 / 0.01))


def test_a_mirrored_turn_is_mirrored_in_all_its_parts() -> None:
    parts = [torch.randint(256, (2, SIDE, SIDE, 3), dtype=torch.uint8) for _ in range(4)]
    mattes = [torch.randint(256, (2, SIDE, SIDE), dtype=torch.uint8) for _ in range(2)]
    both = torch.tensor([True, False])[:, None, None, None]
    turned, chosen = Turns(*parts, *mattes), torch.tensor([1, 1])
    for one in turned.take(chosen, both):
        assert torch.equal(one[0], one[1].flip(-1)) and not torch.equal(one[0], one[1])


def passing() -> Aligner:
    torch.manual_seed(0)
    aligner = Aligner().eval()
    pass_distortion(aligner)
    return aligner


def trained(toy: Turns, checkpoint: Path | None = None, **changes: Any) -> tuple[Aligner, int]:
    aligner = passing()
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    recipe = Recipe(**({"steps": 4, "batch": 2} | changes))
    return aligner, train(toy, aligner, fabric, recipe, checkpoint=checkpoint)


def test_training_learns_the_turn(toy: Turns) -> None:
    """On faces that it does not see, and better than the map as it is."""
    seen, unseen = toy.part(slice(None, -2)), toy.part(slice(-2, None))
    aligner, steps = trained(seen, steps=60, batch=4, lr=4e-3, mirrored=0.0)
    assert steps == 60
    (before, _), (after, _) = (quality(partial(by_network, of), unseen) for of in (passing(), aligner))
    assert after < 0.7 * before


def test_a_resumed_run_equals_an_unbroken_one(toy: Turns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unbroken, _ = trained(toy)
    file, calls = tmp_path / "stopped.ckpt", itertools.count()

    def mortal(*arguments: Tensor) -> Tensor:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return miss(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "SAVE_EVERY", 0.0)  # a checkpoint after every step
        patch.setattr(turns, "miss", mortal)
        trained(toy, file)
    resumed, steps = trained(toy, file)
    assert steps == 4
    start = passing().state_dict()
    for key, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key
    for key in ("conv_layer1.0.weight", "dconv_layer3.0.shortcut_layer.0.weight"):
        assert not torch.equal(start[key], unbroken.state_dict()[key]), f"{key} was not trained"
    for key in ("conv_layer1.1.running_mean", "conv_layer1.1.num_batches_tracked"):
        assert torch.equal(start[key], unbroken.state_dict()[key]), f"{key} is not at rest"


def chunk(folder: Path, count: int = 3, guesses: int | None = None) -> None:
    """A chunk ``000`` of faces and its guesses, whose pictures are single pixels."""
    random = np.random.default_rng(0)
    w = random.standard_normal((count, 512)).astype(np.float32)
    np.savez(folder / "faces~000.npz", w=w)
    guessed = random.standard_normal((count if guesses is None else guesses, 512)).astype(np.float32)
    rgb = np.zeros((len(guessed), 1, 1, 3), np.uint8)
    np.savez(folder / "guess~000.npz", w=guessed, rgb=rgb)
    np.savez(folder / "photo~000.npz", rgb=rgb + 255)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, Any]]:
    """The turns of a folder, by a generator and a parser of one pixel."""
    monkeypatch.setattr(
        turned_faces, "render_256", lambda _, w: w[:, :3].mul(10).add(100).round().byte().numpy()[:, None, None]
    )
    monkeypatch.setattr(turned_faces, "mattes", lambda _, rgb: rgb[..., 0])
    pose, generator = torch.zeros(512), torch.nn.Module()
    pose[1] = 1
    generator.constant = torch.zeros(1)

    def make(folder: Path) -> dict[str, Any]:
        return turned_chunk(folder, folder, "000", generator, torch.nn.Module(), pose)  # type: ignore[arg-type]

    return make


def test_face_and_guess_are_turned_alike(tmp_path: Path, made: Callable[[Path], dict[str, Any]]) -> None:
    chunk(tmp_path, 40)
    found = made(tmp_path)
    w, guessed = (np.load(tmp_path / f"{name}~000.npz")["w"] for name in ("faces", "guess"))
    assert np.abs(found["degree"]).max() <= 4 and found["degree"].min() < -2 and found["degree"].max() > 2
    for key, codes in (("true", w), ("edited", guessed)):
        moved = codes[:, :3] + np.outer(found["degree"], [0, 1, 0])
        np.testing.assert_array_equal(found[key][:, 0, 0], np.round(10 * moved + 100))
    assert (found["before"] == 255).all() and (found["matte"] == found["true"][..., 0]).all()


def test_turns_are_made_once_and_anew_for_other_guesses(
    tmp_path: Path, made: Callable[[Path], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk(tmp_path)
    first = made(tmp_path)
    file = tmp_path / "turn~000.npz"
    content = file.read_bytes()
    file.unlink()
    assert made(tmp_path).keys() == first.keys() and file.read_bytes() == content
    with monkeypatch.context() as patch:
        patch.setattr(turned_faces, "render_256", None)  # nothing is rendered
        for key, value in made(tmp_path).items():
            np.testing.assert_array_equal(value, first[key])
    guess = dict(np.load(tmp_path / "guess~000.npz"))
    np.savez(tmp_path / "guess~000.npz", rgb=guess["rgb"], w=guess["w"] + 1)
    again = made(tmp_path)
    assert (again["edited"] != first["edited"]).any() and (again["true"] == first["true"]).all()


def test_faces_that_are_not_those_of_the_guesses_are_refused(
    tmp_path: Path, made: Callable[[Path], dict[str, Any]], root: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"no guesses; run `python -m unripple\.training\.guesses`"):
        load_turns(tmp_path, tmp_path, root / "models/lite")
    chunk(tmp_path, guesses=2)
    with pytest.raises(ValueError, match=r"faces~000\.npz: expected 2 faces, as many as guesses .*, found 3; give"):
        made(tmp_path)
    (tmp_path / "faces~000.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"faces~000\.npz: no such file; give the --faces"):
        made(tmp_path)


@pytest.fixture(scope="module")
def faces(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chunk of three real faces with their codes, and guesses somewhat off."""
    folder, models = tmp_path_factory.mktemp("faces"), root / "models/lite"
    w = CodeSampler(load_mapping(models), seed=1).draw(3)
    guessed, generator = w + 0.3 * (w.roll(1, 0) - w), load_generator(models)
    with torch.no_grad():
        rgb, rendered = (to_uint8(to_256(generator(rows(codes)))) for codes in (w, guessed))
    np.savez(folder / "faces~000.npz", w=w.numpy())
    np.savez(folder / "photo~000.npz", rgb=rgb)
    np.savez(folder / "guess~000.npz", rgb=rendered, w=guessed.numpy())
    return folder


def test_turns_are_pictures_of_the_turned_codes(faces: Path, root: Path) -> None:
    models = root / "models/lite"
    found, degree = load_turns(faces, faces, models), np.load(faces / "turn~000.npz")["degree"]
    assert len(found) == 3
    codes = torch.from_numpy(np.load(faces / "faces~000.npz")["w"][:1]) + degree[0] * load_direction(models, "pose")
    with torch.no_grad():
        true = to_256(load_generator(models)(rows(codes)))
    assert (signed(found.true[:1]) - true).abs().mean() < 0.01
    assert 0.2 < found.matte.float().mean() / 255 < 0.9


@pytest.mark.parametrize(("start", "near", "far"), [("ada", "ada", "unaligned"), ("pass", "unaligned", "ada")])
def test_the_command_writes_weights_that_the_set_loads(
    faces: Path, root: Path, tmp_path: Path, start: str, near: str, far: str
) -> None:
    """After one short step they still are nearly what they began as."""
    app, out = Typer(), tmp_path / "models/ada_pose.safetensors"
    app.command()(turns.main)
    arguments = ["--faces", faces, "--cache", faces, "--checkpoint", tmp_path / "c", "--models", root / "models/lite"]
    arguments += ["--out", out, "--steps", 1, "--batch", 1, "--precision", "32-true", "--start", start]
    refused = CliRunner().invoke(app, [str(argument) for argument in [*arguments, "--test", 3]])
    assert refused.exit_code == 2 and "expected fewer than the 3" in refused.output
    done = CliRunner().invoke(app, [str(argument) for argument in [*arguments, "--test", 1]])
    assert done.exit_code == 0, done.output
    aligned = load_ada_pose(out.parent)(*torch.zeros(2, 1, 3, 256, 256))
    assert aligned.shape == (1, 3, 256, 256)
    with safe_open(out, "pt") as stored:
        told = stored.metadata()
    assert {f"l1_{way}" for way in ("none", "unaligned", "ada", "motion", "ada_pose")} < told.keys()
    assert (told["steps"], told["turns"], told["unseen_turns"], told["start"]) == ("1", "2", "1", start)
    psnr = {way: float(told[f"psnr_{way}"]) for way in ("none", "ada_pose", near, far)}
    assert psnr["none"] > 5 and abs(psnr["ada_pose"] - psnr[near]) < 0.3 * abs(psnr["ada_pose"] - psnr[far]), told
