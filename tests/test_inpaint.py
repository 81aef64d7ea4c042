"""The wrapper around inpainters: what it hands to a network, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from unripple.files.tensors import to_tensor
from unripple.stages.inpaint import MULTIPLE, at_half_size, inpaint, telea


def white(rgb: Tensor, mask: Tensor) -> Tensor:
    """An inpainter that paints everything white, also where it should not."""
    return torch.ones_like(rgb)


def picture(height: int = 48, width: int = 56, batch: int = 2) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def box(rgb: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    mask = torch.zeros(len(rgb), 1, *rgb.shape[2:], dtype=torch.bool)
    mask[..., top:bottom, left:right] = True
    return mask


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 40), st.integers(1, 30), st.sampled_from([0, 2, 40]))
def test_outside_the_mask_is_bit_equal(top: int, height: int, left: int, width: int, feather: float) -> None:
    rgb = picture()
    mask = box(rgb, top, top + height, left, left + width)
    filled = inpaint(rgb, mask, white, feather)
    outside = ~mask.expand_as(rgb)
    assert torch.equal(filled[outside], rgb[outside])
    assert (filled >= rgb - 1e-6).all()


def test_without_feather_the_whole_mask_is_filled() -> None:
    rgb = picture()
    mask = box(rgb, 10, 30, 10, 40)
    assert (inpaint(rgb, mask, white, 0)[mask.expand_as(rgb)] == 1).all()


def test_the_feather_rises_from_the_rim_but_not_from_the_border() -> None:
    rgb = torch.zeros(1, 3, 512, 64)
    mask = box(rgb, 100, 400, 0, 40)
    row = inpaint(rgb, mask, white, feather=3)[0, 0, 250]
    assert torch.allclose(row[36:41], torch.tensor([1, 0.75, 0.5, 0.25, 0]))
    assert row[0] == 1


@pytest.mark.parametrize(
    ("hole", "margins"),
    [
        ((20, 30, 20, 30), (0, 0, 0, 0)),
        ((20, 30, 0, 30), (7, 0, 0, 0)),
        ((0, 48, 20, 30), (0, 0, 6, 6)),
        ((40, 48, 50, 56), (0, 7, 0, 6)),
    ],
)
def test_a_hole_at_the_border_is_seen_with_its_mirror_image(
    hole: tuple[int, int, int, int], margins: tuple[int, int, int, int]
) -> None:
    rgb = picture(batch=1)
    mask = box(rgb, *hole)
    left, right, top, bottom = margins
    seen = []

    def spy(padded: Tensor, padded_mask: Tensor) -> Tensor:
        seen.append((padded, padded_mask))
        return padded

    assert torch.equal(inpaint(rgb, mask, spy), rgb)
    ((padded, padded_mask),) = seen
    assert padded.shape[2] % MULTIPLE == padded.shape[3] % MULTIPLE == 0
    assert 0 <= padded.shape[2] - (48 + top + bottom) < MULTIPLE
    assert 0 <= padded.shape[3] - (56 + left + right) < MULTIPLE
    assert torch.equal(padded[..., top : top + 48, left : left + 56], rgb)
    if left:
        assert torch.equal(padded[..., top : top + 48, :left], rgb[..., 1 : left + 1].flip(-1))
        assert torch.equal(padded_mask[..., top : top + 48, :left], mask[..., 1 : left + 1].flip(-1))
    if top:
        assert torch.equal(padded[..., :top, left : left + 56], rgb[..., 1 : top + 1, :].flip(-2))


def test_odd_sizes_become_multiples_for_the_network() -> None:
    rgb = picture(height=45, width=51, batch=1)

    def spy(padded: Tensor, padded_mask: Tensor) -> Tensor:
        assert padded.shape[2:] == padded_mask.shape[2:] == (48, 56)
        return padded

    assert inpaint(rgb, box(rgb, 10, 20, 10, 20), spy).shape == rgb.shape


def test_an_empty_mask_needs_no_network_and_a_full_one_has_no_answer() -> None:
    def forbidden(rgb: Tensor, mask: Tensor) -> Tensor:
        raise AssertionError("asked to fill nothing")

    rgb = picture()
    assert torch.equal(inpaint(rgb, box(rgb, 0, 0, 0, 0), forbidden), rgb)
    with pytest.raises(ValueError, match="whole picture"):
        inpaint(rgb, box(rgb, 0, 48, 0, 56), white)
    with pytest.raises(ValueError, match="rgb: expected"):
        inpaint(rgb[:, :1], box(rgb, 1, 2, 1, 2), white)


def test_what_is_hidden_is_neither_seen_nor_changed() -> None:
    rgb = torch.zeros(1, 3, 48, 56)
    mask, person = box(rgb, 10, 30, 10, 20), box(rgb, 5, 47, 20, 40)
    rgb = torch.where(person, torch.ones_like(rgb), rgb)
    seen = []

    def spy(rgb: Tensor, hole: Tensor) -> Tensor:
        seen.append(hole)
        return telea(rgb, hole)

    filled = inpaint(rgb, mask, spy, feather=0, hidden=person)
    assert torch.equal(seen[0], mask | person)
    assert torch.equal(filled[~mask.expand_as(rgb)], rgb[~mask.expand_as(rgb)])
    assert torch.allclose(filled, rgb, atol=0.01)  # One step of 8 bits.
    assert inpaint(rgb, mask, telea, feather=0)[mask.expand_as(rgb)].mean() > 0.1  # Seen, the person spreads.


def test_a_result_does_not_depend_on_its_batch() -> None:
    rgb = picture(batch=3)
    mask = box(rgb, 10, 30, 0, 20)
    mask[1] = False
    together = inpaint(rgb, mask, telea)
    alone = torch.cat([inpaint(rgb[i : i + 1], mask[i : i + 1], telea) for i in range(3)])
    assert torch.equal(together, alone)


def test_telea_continues_a_gradient_and_keeps_the_rest() -> None:
    levels = np.linspace(40, 200, 96).round().astype(np.uint8)
    rgb = to_tensor([np.broadcast_to(levels[:, None, None], (96, 96, 3)).copy()])
    mask = box(rgb, 40, 60, 30, 50)
    torn = torch.where(mask, torch.ones_like(rgb), rgb)
    filled = inpaint(torn, mask, telea)
    assert torch.equal(filled[~mask.expand_as(rgb)], rgb[~mask.expand_as(rgb)])
    filled = inpaint(torn, mask, telea, feather=0)
    assert (filled - rgb).abs().max() < 0.15  # The hole itself is off by up to 1.3.


def test_half_size_hides_every_pixel_of_the_hole() -> None:
    rgb = torch.full((1, 3, 48, 56), 0.5)
    mask = box(rgb, 11, 31, 13, 40)
    torn = torch.where(mask, -torch.ones_like(rgb), rgb)

    def honest(small: Tensor, hole: Tensor) -> Tensor:
        assert small.shape == (1, 3, 24, 28)
        assert torch.equal(small == 0.5, ~hole.expand_as(small) | (small == 0.5))
        return torch.where(hole, 0.5, small)

    assert torch.equal(inpaint(torn, mask, at_half_size(honest), feather=0), rgb)
