"""LaMa: padding, composite, small networks of the same class. Numbers are in test_parity.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.models.devices import computes_in_bfloat16
from unripple.networks.ffc import FFC, Features, FourierUnit
from unripple.networks.lama import LamaGenerator, inpaint, inpaint_unit, masked_input, pad_symmetric


@pytest.fixture(scope="module")
def small() -> LamaGenerator:
    torch.manual_seed(0)
    return LamaGenerator(ngf=8, downsamplings=3, blocks=2, ratio=0.5).eval().requires_grad_(False)


def example(size: tuple[int, int], batch: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    rgb = torch.rand(batch, 3, *size, generator=generator) * 2 - 1
    return rgb, torch.rand(batch, 1, *size, generator=generator) > 0.5


@pytest.mark.parametrize("size", [(64, 64), (33, 50), (9, 70)])
def test_outside_the_mask_nothing_changes(small: LamaGenerator, size: tuple[int, int]) -> None:
    rgb, mask = example(size, batch=2)
    painted = inpaint(small, rgb, mask)
    outside = ~mask.expand_as(rgb)
    assert torch.equal(painted[outside], rgb[outside])
    assert not torch.equal(painted, rgb)
    assert float(painted.abs().max()) <= 1


def test_what_is_under_the_mask_is_not_seen(small: LamaGenerator) -> None:
    rgb, mask = example((40, 40))
    other = torch.where(mask, -rgb, rgb)
    assert torch.equal(inpaint(small, rgb, mask), inpaint(small, other, mask))


def test_a_soft_mask_counts_as_full() -> None:
    rgb, mask = example((16, 16))
    assert torch.equal(masked_input(rgb, mask * 0.2), masked_input(rgb, mask))


@pytest.mark.parametrize("size", [(8, 8), (9, 15), (250, 211)])
def test_padding_is_numpys_symmetric(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size)
    down, right = -size[0] % 8, -size[1] % 8
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, down), (0, right)), mode="symmetric")
    assert np.array_equal(pad_symmetric(x).numpy(), expected)


@pytest.mark.skipif(not computes_in_bfloat16(torch.device("cpu")), reason="takes minutes on this CPU")
def test_bfloat16_is_near(small: LamaGenerator) -> None:
    rgb, mask = example((40, 40))
    half = LamaGenerator(ngf=8, downsamplings=3, blocks=2, ratio=0.5).eval().requires_grad_(False)
    half.load_state_dict(small.state_dict())
    near = inpaint(half.bfloat16(), rgb.bfloat16(), mask)
    assert near.dtype == torch.bfloat16
    torch.testing.assert_close(near.float(), inpaint(small, rgb, mask), rtol=0, atol=0.05)


def test_wrong_sizes_are_refused(small: LamaGenerator) -> None:
    rgb, mask = example((40, 40))
    with pytest.raises(ValueError, match=r"expected a mask \(1, 1, 40, 40\), found \(1, 40, 40\)"):
        inpaint_unit(small, rgb, mask[0])
    with pytest.raises(ValueError, match="found 8 x 8"):
        inpaint(small, rgb[..., :8, :8], mask[..., :8, :8])
    with pytest.raises(ValueError, match="found 0"):
        LamaGenerator(downsamplings=0)
    with pytest.raises(ValueError, match="found 2"):
        FFC(8, 8, 3, stride=2, padding=1, ratio_in=0.5, ratio=0.5)


def test_the_fourier_unit_sees_the_whole_picture() -> None:
    unit = FourierUnit(2).eval().requires_grad_(False)
    x = torch.rand(1, 2, 16, 12)
    changed = x.clone()
    changed[0, 0, 0, 0] += 1
    assert bool(((unit(x) - unit(changed)).abs() > 0)[0].any(dim=0).all())


def test_parts_meet_only_through_their_convolutions() -> None:
    ffc = FFC(8, 8, 3, padding=1, ratio_in=0.5, ratio=0.5).eval()
    assert ffc.convg2l is not None
    torch.nn.init.zeros_(ffc.convg2l.weight)
    local, wide = torch.rand(1, 4, 8, 8), torch.rand(1, 4, 8, 8)
    assert torch.equal(ffc(Features(local, wide)).local, ffc(Features(local, 2 * wide)).local)
