"""The published set behind the stages' interface: the numbers of HFGI's script, Graphonomy's flow and LaMa's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from unripple.files.tensors import to_256, to_tensor
from unripple.models import ModelSet, published
from unripple.models.devices import chosen_device
from unripple.networks.graphonomy_flow import person, person_matte
from unripple.networks.lama import LamaGenerator
from unripple.parity.compare import Difference, compare_floats, compare_labels
from unripple.parity.fill import PREFIX, fill, fill_net, make_image
from unripple.parity.fixtures import cases, inputs
from unripple.stages.edit import edit
from unripple.stages.invert import invert
from unripple.stages.parse import person_matte as matte_of
from unripple.weights.published.load import load_part, load_tensor
from unripple.weights.published.manifest import WeightsError

FIXTURES = Path(__file__).parent / "fixtures"
#: What `fill` calls the networks that lie in a file of their own.
ALONE = {"parser": "graphonomy", "inpainter": "lama"}
CASES = {case.name: case for case in cases(FIXTURES)}


@pytest.fixture(scope="module")
def models() -> Iterator[ModelSet]:
    """The set with the fixtures' weights, which ``fill`` makes from the keys that a converted file has."""
    average = torch.from_numpy(inputs(CASES["hfgi_inversion"].meta)["latent_avg"])

    def part(build: Callable[[], nn.Module], file: Path, prefix: str = "") -> nn.Module:
        network = build().eval().requires_grad_(False)
        fill(network.state_dict(), PREFIX[ALONE[file.stem]] if file.stem in ALONE else prefix)
        return network

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(published, "load_part", part)
        patched.setattr(published, "load_tensor", lambda file, key: {"latent_avg": average}[key])
        yield published.load(Path("models/published"), "cpu")


def recorded(name: str) -> dict[str, Any]:
    with np.load(CASES[name].path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def test_a_gpu_computes_float32_without_tf32() -> None:
    backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = True
        assert chosen_device("cpu").type == "cpu" and torch.backends.cudnn.allow_tf32
        assert chosen_device("cuda:0") == torch.device("cuda:0")
        assert [backend.allow_tf32 for backend in backends] == [False, False]
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


@pytest.mark.parametrize("name", ["hfgi_edit_pose_3.0", pytest.param("hfgi_inversion", marks=pytest.mark.long)])
def test_the_stages_give_the_numbers_of_hfgis_script(models: ModelSet, name: str) -> None:
    case, fixture = CASES[name], recorded(name)
    photo = torch.from_numpy(inputs(case.meta)["x"])
    inversion = invert(photo, models)
    direction = torch.from_numpy(fixture["direction"][0]) if "direction" in fixture else torch.zeros(512)
    edited = edit(inversion.w_plus, inversion.distortion, direction, float(case.meta["factor"]), models)
    final_256 = nn.functional.interpolate(edited.hfgi, size=(256, 256), mode="bilinear", align_corners=False)
    found = {
        "codes": inversion.w_plus,
        "inversion_1024": inversion.e4e,
        "distortion": inversion.distortion,
        "edit_initial_256": to_256(edited.e4e),
        "final_1024": edited.hfgi,
        "final_256": final_256,
    }
    differences: list[Difference] = [compare_floats(fixture, key, value.numpy()) for key, value in found.items()]
    assert all(difference.passed for difference in differences), differences


def test_a_portrait_is_made_smaller_as_the_published_script_does(models: ModelSet) -> None:
    picture = make_image("portrait", 1024, 1024)
    small = np.asarray(Image.fromarray(picture).resize((256, 256), Image.Resampling.BILINEAR))
    assert torch.equal(models.seen(to_tensor([picture])), to_tensor([small]))


def test_a_portrait_of_the_encoders_size_is_seen_as_it_is(models: ModelSet) -> None:
    portrait = to_tensor([make_image("portrait", 256, 256)])
    assert torch.equal(models.seen(portrait), portrait)


def test_the_matte_is_one_half_where_another_label_than_the_background_begins_to_win() -> None:
    logits = 5 * torch.randn(2, 20, 33, 17, generator=torch.Generator().manual_seed(0))
    logits[:, 0] += 8
    matte = person_matte(logits, scales=6)
    assert torch.equal(matte >= 0.5, person(logits))
    assert 0.2 < person(logits).float().mean() < 0.8
    sure = torch.zeros(1, 20, 1, 1)
    sure[:, 7] = 6 * np.log(3)
    assert person_matte(sure, scales=6).item() == pytest.approx(0.75)


def test_the_parser_is_graphonomys_whole_flow(models: ModelSet) -> None:
    case, fixture = CASES["graphonomy_flow"], recorded("graphonomy_flow")
    picture = inputs(case.meta)["img"]
    matte = matte_of(to_tensor([picture]), models)
    assert matte.shape == (1, 1, *picture.shape[:2])
    # The labels that the reference gave, as person or not.
    logits = torch.cat((1 - matte, matte), dim=1).numpy()
    expected = fixture | {"labels": (fixture["labels"] != 0).astype(fixture["labels"].dtype)}
    del expected["label_counts"]
    assert compare_labels(expected, logits, int(case.meta.get("labels_stride", 1))).passed


def test_the_inpainter_is_big_lama_and_keeps_what_is_not_masked(models: ModelSet) -> None:
    rgb = to_tensor([make_image("picture", 70, 50)])
    mask = torch.zeros(1, 1, 70, 50, dtype=torch.bool)
    mask[..., 20:40, 10:30] = True
    painted = models.inpainter(rgb, mask)
    assert torch.equal(painted[~mask.expand_as(rgb)], rgb[~mask.expand_as(rgb)])
    assert painted.abs().max() <= 1
    net = LamaGenerator().eval()
    fill_net("lama", net.state_dict())
    padded = torch.cat((rgb, rgb[..., -2:, :].flip(-2)), dim=-2)
    padded = torch.cat((padded, padded[..., -6:].flip(-1)), dim=-1)
    hole = torch.zeros(1, 1, 72, 56)
    hole[..., 20:40, 10:30] = 1
    with torch.no_grad():
        expected = 2 * net(torch.cat(((padded + 1) / 2 * (1 - hole), hole), dim=1)) - 1
    torch.testing.assert_close(painted[..., 20:40, 10:30], expected[..., 20:40, 10:30], atol=1e-5, rtol=0)


def test_the_mapping_network_is_the_decoders(models: ModelSet) -> None:
    z = torch.randn(2, 512, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(models.mapping(z), models.generator.mapping(z))  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", [None, b"not safetensors", {"pose": torch.ones(512)}])
def test_a_file_that_is_missing_or_wrong_is_named(tmp_path: Path, content: bytes | dict[str, Tensor] | None) -> None:
    file = tmp_path / "directions.safetensors"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        save_file(content, file)
        assert load_tensor(file, "pose").sum() == 512
    with pytest.raises(WeightsError, match=r"directions\.safetensors: .*unripple weights"):
        load_tensor(file, "smile")


def test_weights_of_another_network_are_refused_by_file(tmp_path: Path) -> None:
    file = tmp_path / "inpainter.safetensors"
    save_file({"weight": torch.ones(3)}, file)
    with pytest.raises(WeightsError, match=r"inpainter\.safetensors: not the weights of LamaGenerator"):
        load_part(LamaGenerator, file)
