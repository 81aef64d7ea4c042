"""A generator with two codes at once: each counts in its region alone, and afterwards nothing is left of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unripple.models.lite import load
from unripple.networks.mobile_stylegan import MobileStyleGAN
from unripple.networks.regional import regional
from unripple.networks.stylegan2 import StyleGAN2
from unripple.networks.w_space import CodeSampler

Either = MobileStyleGAN | StyleGAN2


@pytest.fixture(params=["MobileStyleGAN", "StyleGAN2"], scope="module")
def generator(request: pytest.FixtureRequest, root: Path) -> Either:
    if request.param == "MobileStyleGAN":
        return load(root / "models" / "lite", "cpu").generator
    torch.manual_seed(0)
    return StyleGAN2(64).eval().requires_grad_(False)


@pytest.fixture
def codes(generator: nn.Module, root: Path) -> Tensor:
    """Two faces, ``(2, rows, 512)``."""
    drawn = CodeSampler(load(root / "models" / "lite", "cpu").mapping, seed=7, truncation=(0.7, 0.7)).draw(2)
    return drawn[:, None].expand(-1, getattr(generator, "rows", 18), -1)


@torch.no_grad()
def test_one_code_everywhere_is_the_generator_itself(generator: Either, codes: Tensor) -> None:
    for where, number in ((torch.ones(1, 1, 64, 64), 0), (torch.zeros(1, 1, 64, 64), 1)):
        with regional(generator, where):
            first, second = generator(codes)
        torch.testing.assert_close(first, second)
        torch.testing.assert_close(first, generator(codes[number : number + 1])[0], atol=2e-4, rtol=1e-4)


@torch.no_grad()
def test_a_code_counts_only_where_it_is_asked_for(generator: Either, codes: Tensor) -> None:
    """At the far side of a cut through the fine layers alone nothing of the other code is left."""
    left = torch.zeros(1, 1, 64, 64)
    left[..., :32] = 1
    state = generator.to_fusion(codes[:1])
    doubled = state._replace(
        features=state.features.repeat(2, 1, 1, 1),
        skip=None if state.skip is None else state.skip.repeat(2, 1, 1, 1),
    )
    with regional(generator, left):
        joined = generator.from_fusion(doubled, codes)[0]
    kept, other = (generator.from_fusion(state, one)[0] for one in codes.split(1))
    far = max(joined.shape[-1] // 8, 16)
    torch.testing.assert_close(joined[..., :far], kept[..., :far], atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(joined[..., -far:], other[..., -far:], atol=2e-4, rtol=1e-4)
    assert (kept - other).abs()[..., -far:].mean() > 0.01


@torch.no_grad()
def test_afterwards_the_generator_is_as_before(generator: Either, codes: Tensor) -> None:
    before = generator(codes[:1])
    with pytest.raises(RuntimeError), regional(generator, torch.ones(1, 1, 64, 64)):
        raise RuntimeError
    torch.testing.assert_close(generator(codes[:1]), before, atol=0, rtol=0)
