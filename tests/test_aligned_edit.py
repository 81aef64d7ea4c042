"""The rows that differ from HFGI's in the alignment alone: with its own ADA they are its edit, bit by bit or nearly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models import published
from unripple.models.lite import LiteModels, load
from unripple.models.tuned import tuned
from unripple.networks.consultation import Aligner, pass_distortion
from unripple.networks.mobile_stylegan import rows
from unripple.networks.moved import flat
from unripple.networks.w_space import CodeSampler
from unripple.stages.aligned_edit import aligned_edit, moved_distortions
from unripple.stages.edit import edit
from unripple.weights.lite import MissingModel
from unripple.weights.published.manifest import WeightsError


@pytest.fixture(scope="module")
def models(root: Path, tmp_path_factory: pytest.TempPathFactory) -> LiteModels:
    """The shipped set, but for an ADA that passes the distortion map through, in both of its files."""
    folder = tmp_path_factory.mktemp("models")
    shipped = root / "models/lite"
    for name in ("generator", "mapping", "directions"):
        (folder / f"{name}.safetensors").symlink_to(shipped / f"{name}.safetensors")
    passing = Aligner()
    pass_distortion(passing)
    consultation = load_file(shipped / "consultation.safetensors")
    consultation |= {f"grid_align.{key}": value for key, value in passing.state_dict().items()}
    save_file(consultation, folder / "consultation.safetensors")
    save_file(dict(passing.state_dict()), folder / "ada_pose.safetensors")
    return load(folder, "cpu")


@pytest.fixture(scope="module")
def given(models: LiteModels) -> tuple[Tensor, Tensor, Tensor]:
    """Two codes, their distortion maps and the direction."""
    noise = torch.Generator().manual_seed(3)
    w = CodeSampler(models.mapping, seed=5, truncation=(0.7, 0.7)).draw(2)
    return rows(w), 0.1 * torch.randn(2, 3, 256, 256, generator=noise), models.direction("pose")


@pytest.mark.parametrize("degree", [0.0, -2.5])
def test_with_hfgi_s_own_alignment_both_rows_are_its_edit(
    models: LiteModels, given: tuple[Tensor, Tensor, Tensor], degree: float
) -> None:
    """Its ADA passes the map through here, the other passes it too, and nothing has moved."""
    w_plus, distortion, direction = given
    hfgi = edit(w_plus[:1], distortion[:1], direction, degree, models).hfgi
    by_ada = aligned_edit(w_plus[:1], distortion[:1], direction, degree, models)
    by_motion = aligned_edit(
        w_plus[:1], distortion[:1], direction, degree, models, backward=torch.zeros(1, 512, 512, 2)
    )
    assert torch.equal(by_ada, hfgi)
    torch.testing.assert_close(by_motion, hfgi, atol=2e-4, rtol=0)  # the passing ADA rounds


def test_a_photo_s_own_generator_makes_its_rows(models: LiteModels, given: tuple[Tensor, Tensor, Tensor]) -> None:
    w_plus, distortion, direction = (given[0][:1], given[1][:1], given[2])
    noise = torch.Generator().manual_seed(1)
    by = 1e-3 * torch.randn(flat(models.generator).shape, generator=noise)
    own = tuned(models, by)
    hfgi = edit(w_plus, distortion, direction, 2, own).hfgi
    assert torch.equal(aligned_edit(w_plus, distortion, direction, 2, own), hfgi)
    assert not torch.equal(aligned_edit(w_plus, distortion, direction, 2, models), hfgi)


def test_ada_of_turns_gets_what_hfgi_s_gets_and_what_it_gives_is_fused(
    models: LiteModels, given: tuple[Tensor, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    w_plus, distortion, direction = given
    seen: list[tuple[Tensor, Tensor]] = []

    def watched(_: LiteModels, *arguments: Tensor) -> Tensor:
        seen.append((arguments[0], arguments[1]))
        return -arguments[0]

    monkeypatch.setattr(LiteModels, "ada_pose", watched)
    made = aligned_edit(w_plus, distortion, direction, 2, models)
    low_rate = edit(w_plus, distortion, direction, 2, models)
    ((given_map, given_edit),) = seen
    assert torch.equal(given_map, distortion) and torch.equal(given_edit, to_256(low_rate.e4e))
    negative = aligned_edit(w_plus, -distortion, direction, 2, models, backward=torch.zeros(2, 64, 64, 2))
    torch.testing.assert_close(made, negative, atol=2e-4, rtol=0)


def test_the_whole_map_moves_and_the_motion_s_size_does_not_matter() -> None:
    maps = torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    backward = torch.zeros(2, 512, 512, 2)
    backward[1, ..., 0], backward[1, ..., 1] = 16, -6
    moved = moved_distortions(maps, backward)
    assert torch.equal(moved[0], maps[0])
    torch.testing.assert_close(moved[1, :, 3:, :-8], maps[1, :, :-3, 8:])
    torch.testing.assert_close(moved_distortions(maps, backward[:, ::2, ::2] / 2), moved)


def test_other_shapes_are_refused(models: LiteModels, given: tuple[Tensor, Tensor, Tensor]) -> None:
    w_plus, distortion, direction = given
    with pytest.raises(ValueError, match=r"distortion: expected \(B, 3, 256, 256\), found \(2, 3, 64, 256\)"):
        aligned_edit(w_plus, distortion[:, :, :64], direction, 2, models)
    for wrong in ((1, 8, 8, 2), (2, 8, 9, 2), (2, 8, 8, 3), (2, 8)):
        with pytest.raises(ValueError, match=r"backward: expected \(2, H, H, 2\), found"):
            aligned_edit(w_plus, distortion, direction, 2, models, backward=torch.zeros(wrong))


def test_a_missing_network_says_how_it_is_made(tmp_path: Path) -> None:
    maps: Any = torch.zeros(2, 1, 3, 256, 256)
    with pytest.raises(MissingModel, match=r"ada_pose\.safetensors: model file not found; `make weights` puts it"):
        load(tmp_path, "cpu").ada_pose(*maps)
    with pytest.raises(WeightsError, match=r"ada_pose\.safetensors: no such file; no one .* --misalign pose` trains"):
        published.load(tmp_path, "cpu").ada_pose(*maps)
