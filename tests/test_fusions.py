"""Region and style fusion: person and background come from where they should, and details stay with whose they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.fusion import fuse
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.stages.edit import edit
from unripple.stages.layered import layered_edit
from unripple.stages.parted import Parted
from unripple.stages.region_fusion import region_fusion
from unripple.stages.style_fusion import style_fusion

SIDE = 128
EVERYBODY, NOBODY = torch.ones(1, 1, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE)
Fusion = Callable[[Parted, Tensor, float, ModelSet], Tensor]
both = pytest.mark.parametrize("fusion", [region_fusion, style_fusion])


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def given(models: ModelSet) -> tuple[Tensor, Tensor, Tensor]:
    """A code, its distortion map, and another one that is taken as aligned."""
    noise = torch.Generator().manual_seed(3)
    w = CodeSampler(models.mapping, seed=5, truncation=(0.7, 0.7)).draw(1)
    distortion, aligned = (0.1 * torch.randn(1, 3, 256, 256, generator=noise) for _ in range(2))
    return rows(w), distortion, aligned


def fused(
    fusion: Fusion, models: ModelSet, given: tuple[Tensor, Tensor, Tensor], matte: Tensor, old: Tensor, degree: float
) -> Tensor:
    return fusion(Parted(*given, old > 0, matte), models.direction("pose"), degree, models)


def left_half() -> Tensor:
    return torch.cat((EVERYBODY[..., : SIDE // 2], NOBODY[..., SIDE // 2 :]), dim=3)


@both
def test_where_all_is_person_it_is_the_layered_edit(
    fusion: Fusion, models: ModelSet, given: tuple[Tensor, Tensor, Tensor]
) -> None:
    made = fused(fusion, models, given, EVERYBODY, NOBODY, 2)
    wanted = layered_edit(given[0], given[2], models.direction("pose"), 2, models)
    torch.testing.assert_close(made, wanted, atol=2e-4, rtol=0)


@both
@torch.no_grad()
def test_where_nobody_is_it_is_the_inversion(
    fusion: Fusion, models: ModelSet, given: tuple[Tensor, Tensor, Tensor]
) -> None:
    made = fused(fusion, models, given, NOBODY, NOBODY, 0)
    state = models.generator.to_fusion(given[0])
    state = state._replace(features=fuse(state.features, models.consult(given[1])))
    torch.testing.assert_close(made, models.generator.from_fusion(state, given[0]), atol=2e-4, rtol=0)


@both
def test_the_person_s_details_do_not_reach_the_background(
    fusion: Fusion, models: ModelSet, given: tuple[Tensor, Tensor, Tensor]
) -> None:
    left = left_half()
    one = fused(fusion, models, given, left, left, 2)
    other = fused(fusion, models, (given[0], given[1], -given[2]), left, left, 2)
    difference = (to_256(one) - to_256(other)).abs().mean(dim=(0, 1, 2))
    assert difference[:96].mean() > 0.01
    assert difference[176:].max() < 1e-5


def test_region_fusion_takes_what_the_old_person_hid_from_around(
    models: ModelSet, given: tuple[Tensor, Tensor, Tensor]
) -> None:
    """Nobody is there any more; the distortion inside the old person's outline is not asked."""
    changed = given[1].clone()
    changed[..., :96] = -1
    one = fused(region_fusion, models, given, NOBODY, left_half(), 2)
    other = fused(region_fusion, models, (given[0], changed, given[2]), NOBODY, left_half(), 2)
    known = fused(region_fusion, models, (given[0], changed, given[2]), NOBODY, NOBODY, 2)
    assert (to_256(one) - to_256(other)).abs()[..., :64].max() < 1e-5
    assert (to_256(one) - to_256(known)).abs()[..., :64].mean() > 0.02


def test_style_fusion_takes_what_the_old_person_hid_from_the_edit(
    models: ModelSet, given: tuple[Tensor, Tensor, Tensor]
) -> None:
    """Without details to fuse the picture is the low-rate edit where the old person was, whoever is there now."""
    nothing = torch.zeros_like(given[1])
    made = fused(style_fusion, models, (given[0], nothing, nothing), NOBODY, EVERYBODY, 2)
    wanted = layered_edit(given[0], nothing, models.direction("pose"), 2, models)
    torch.testing.assert_close(made, wanted, atol=2e-4, rtol=0)


def test_style_fusion_s_background_is_the_inversion_s(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    """Far from the person, its colours are nearer to those of the inversion than those of the edit are."""
    nothing = torch.zeros_like(given[1])
    pose = models.direction("pose")
    still, turned = (to_256(edit(given[0], nothing, pose, degree, models).e4e) for degree in (0, 3))
    made = to_256(fused(style_fusion, models, (given[0], nothing, nothing), left_half(), left_half(), 3))
    apart = [(picture - still)[..., 192:].abs().mean() for picture in (made, turned)]
    assert apart[0] < 0.5 * apart[1]


def test_maps_of_other_sizes_are_refused(given: tuple[Tensor, Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"expected \(B, 3, 256, 256\), found"):
        Parted(given[0], given[1][..., :64], given[2], EVERYBODY > 0, EVERYBODY)
