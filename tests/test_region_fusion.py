"""Region fusion: person and background come from where they should, and what the person hid is not among them."""

from __future__ import annotations

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
from unripple.stages.layered import layered_edit
from unripple.stages.region_fusion import region_fusion

SIDE = 128


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


def fused(models: ModelSet, given: tuple[Tensor, Tensor, Tensor], matte: Tensor, old: Tensor, degree: float) -> Tensor:
    return region_fusion(*given, old, matte, models.direction("pose"), degree, models)


def half(left: float, right: float) -> Tensor:
    return torch.cat((torch.full((1, 1, SIDE, SIDE // 2), left), torch.full((1, 1, SIDE, SIDE // 2), right)), dim=3)


def test_where_all_is_person_it_is_the_layered_edit(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    nobody = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    made = fused(models, given, torch.ones(1, 1, SIDE, SIDE), nobody, 2)
    wanted = layered_edit(given[0], given[2], models.direction("pose"), 2, models)
    torch.testing.assert_close(made, wanted, atol=2e-4, rtol=0)


@torch.no_grad()
def test_where_nobody_is_it_is_the_inversion(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    nobody = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    made = fused(models, given, torch.zeros(1, 1, SIDE, SIDE), nobody, 0)
    state = models.generator.to_fusion(given[0])
    state = state._replace(features=fuse(state.features, models.consult(given[1])))
    torch.testing.assert_close(made, models.generator.from_fusion(state, given[0]), atol=2e-4, rtol=0)


def test_the_person_s_details_do_not_reach_the_background(
    models: ModelSet, given: tuple[Tensor, Tensor, Tensor]
) -> None:
    left, hidden = half(1.0, 0.0), half(1.0, 0.0) > 0
    one = fused(models, given, left, hidden, 2)
    other = fused(models, (given[0], given[1], -given[2]), left, hidden, 2)
    difference = (to_256(one) - to_256(other)).abs().mean(dim=(0, 1, 2))
    assert difference[:96].mean() > 0.01
    assert difference[176:].max() < 1e-5


def test_what_the_old_person_hid_comes_from_around(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    """Nobody is there any more; the distortion inside the old person's outline is not asked."""
    nobody, hidden = torch.zeros(1, 1, SIDE, SIDE), half(1.0, 0.0) > 0
    changed = given[1].clone()
    changed[..., :96] = -1
    one = fused(models, given, nobody, hidden, 2)
    other = fused(models, (given[0], changed, given[2]), nobody, hidden, 2)
    known = fused(models, (given[0], changed, given[2]), nobody, ~(hidden | ~hidden), 2)
    assert (to_256(one) - to_256(other)).abs()[..., :64].max() < 1e-5
    assert (to_256(one) - to_256(known)).abs()[..., :64].mean() > 0.02


def test_maps_of_other_sizes_are_refused(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"expected \(B, 3, 256, 256\), found"):
        fused(models, (given[0], given[1][..., :64], given[2]), torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8) > 0, 1)
