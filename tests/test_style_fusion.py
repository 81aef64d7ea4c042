"""Style fusion: each region has its own code's picture, and the person's details stay with the person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import MobileStyleGAN, rows
from unripple.networks.regional import regional
from unripple.networks.stylegan2 import StyleGAN2
from unripple.networks.w_space import CodeSampler
from unripple.stages.edit import edit
from unripple.stages.layered import layered_edit
from unripple.stages.style_fusion import style_fusion

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


def embedded(models: ModelSet) -> nn.Module:
    assert isinstance(models.generator, nn.Module)
    return models.generator


def small_stylegan2(_models: ModelSet) -> nn.Module:
    torch.manual_seed(0)
    return StyleGAN2(64).eval().requires_grad_(False)


def codes(generator: nn.Module, models: ModelSet) -> Tensor:
    drawn = CodeSampler(models.mapping, seed=7, truncation=(0.7, 0.7)).draw(2)
    return drawn[:, None].expand(-1, getattr(generator, "rows", 18), -1)


def left_half(side: int) -> Tensor:
    where = torch.zeros(1, 1, side, side)
    where[..., : side // 2] = 1
    return where


GENERATORS: list[Callable[[ModelSet], nn.Module]] = [embedded, small_stylegan2]


@pytest.mark.parametrize("generator_of", GENERATORS, ids=["MobileStyleGAN", "StyleGAN2"])
@torch.no_grad()
def test_one_code_everywhere_is_the_generator_itself(
    models: ModelSet, generator_of: Callable[[ModelSet], nn.Module]
) -> None:
    generator = generator_of(models)
    both = codes(generator, models)
    for where, number in ((torch.ones(1, 1, 64, 64), 0), (torch.zeros(1, 1, 64, 64), 1)):
        with regional(generator, where):
            first, second = generator(both)
        torch.testing.assert_close(first, second)
        torch.testing.assert_close(first, generator(both[number : number + 1])[0], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("generator_of", GENERATORS, ids=["MobileStyleGAN", "StyleGAN2"])
@torch.no_grad()
def test_a_code_counts_only_where_it_is_asked_for(
    models: ModelSet, generator_of: Callable[[ModelSet], nn.Module]
) -> None:
    """At the far side of a cut through the fine layers alone nothing of the other code is left."""
    generator = generator_of(models)
    both = codes(generator, models)
    state = generator.to_fusion(both[:1])  # type: ignore[operator]
    doubled = state._replace(
        features=state.features.repeat(2, 1, 1, 1),
        skip=None if state.skip is None else state.skip.repeat(2, 1, 1, 1),
    )
    with regional(generator, left_half(64)):
        joined = generator.from_fusion(doubled, both)[0]  # type: ignore[operator]
    kept, other = (generator.from_fusion(state, one)[0] for one in both.split(1))  # type: ignore[operator]
    side = joined.shape[-1]
    far = max(side // 8, 16)
    torch.testing.assert_close(joined[..., :far], kept[..., :far], atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(joined[..., -far:], other[..., -far:], atol=2e-4, rtol=1e-4)
    assert (kept - other).abs()[..., -far:].mean() > 0.01


@torch.no_grad()
def test_afterwards_the_generator_is_as_before(models: ModelSet) -> None:
    generator = models.generator
    assert isinstance(generator, MobileStyleGAN)
    one = codes(generator, models)[:1]
    before = generator(one)
    with pytest.raises(RuntimeError), regional(generator, torch.ones(1, 1, 64, 64)):
        raise RuntimeError
    torch.testing.assert_close(generator(one), before, atol=0, rtol=0)


def test_where_all_is_person_it_is_the_layered_edit(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    nobody = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    made = style_fusion(*given, nobody, torch.ones(1, 1, SIDE, SIDE), models.direction("pose"), 2, models)
    wanted = layered_edit(given[0], given[2], models.direction("pose"), 2, models)
    torch.testing.assert_close(made, wanted, atol=5e-4, rtol=0)


def test_what_the_person_uncovers_is_the_edit_s_own(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    """Without details to fuse the picture is the low-rate edit where the old person was, whoever is there now."""
    nothing = torch.zeros_like(given[1])
    everywhere, nobody = torch.ones(1, 1, SIDE, SIDE, dtype=torch.bool), torch.zeros(1, 1, SIDE, SIDE)
    pose = models.direction("pose")
    made = style_fusion(given[0], nothing, nothing, everywhere, nobody, pose, 2, models)
    wanted = layered_edit(given[0], nothing, pose, 2, models)
    torch.testing.assert_close(made, wanted, atol=5e-4, rtol=0)


def test_the_person_s_details_do_not_reach_the_background(
    models: ModelSet, given: tuple[Tensor, Tensor, Tensor]
) -> None:
    left = left_half(SIDE)
    pose = models.direction("pose")
    one, other = (
        style_fusion(given[0], given[1], sign * given[2], left > 0, left, pose, 2, models) for sign in (1, -1)
    )
    difference = (to_256(one) - to_256(other)).abs().mean(dim=(0, 1, 2))
    assert difference[:96].mean() > 0.01
    assert difference[176:].max() < 1e-5


def test_the_background_is_the_inversion_s(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    """Far from the person, its colours are nearer to those of the inversion than those of the edit are."""
    nothing = torch.zeros_like(given[1])
    pose, left = models.direction("pose"), left_half(SIDE)
    still, turned = (to_256(edit(given[0], nothing, pose, degree, models).e4e) for degree in (0, 3))
    made = to_256(style_fusion(given[0], nothing, nothing, left > 0, left, pose, 3, models))
    apart = [(picture - still)[..., 192:].abs().mean() for picture in (made, turned)]
    assert apart[0] < 0.5 * apart[1]


def test_maps_of_other_sizes_are_refused(models: ModelSet, given: tuple[Tensor, Tensor, Tensor]) -> None:
    everybody = torch.ones(1, 1, 8, 8)
    with pytest.raises(ValueError, match=r"expected \(B, 3, 256, 256\), found"):
        style_fusion(given[0], given[1][..., :64], given[2], everybody > 0, everybody, torch.zeros(512), 1, models)
