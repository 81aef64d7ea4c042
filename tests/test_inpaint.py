"""The wrapper around inpainters: what it hands to a network, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.files.pictures import Mask, signed
from unripple.stages.composite import Picture
from unripple.stages.inpaint import MULTIPLE, inpaint, telea


def white(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
    """An inpainter that paints everything white, also where it should not."""
    return np.ones_like(rgb)


def picture(height: int = 48, width: int = 56) -> Picture:
    return np.random.default_rng(1).random((height, width, 3), np.float32) * 2 - 1


def box(rgb: Picture, top: int, bottom: int, left: int, right: int) -> Mask:
    mask = np.zeros(rgb.shape[:2], bool)
    mask[top:bottom, left:right] = True
    return mask


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 40), st.integers(1, 30), st.sampled_from([0, 2, 40]))
def test_outside_the_mask_is_bit_equal(top: int, height: int, left: int, width: int, feather: float) -> None:
    rgb = picture()
    mask = box(rgb, top, top + height, left, left + width)
    filled = inpaint(rgb, mask, white, feather)
    assert np.array_equal(filled[~mask], rgb[~mask])
    assert (filled >= rgb - 1e-6).all()


def test_without_feather_the_whole_mask_is_filled() -> None:
    rgb = picture()
    mask = box(rgb, 10, 30, 10, 40)
    assert (inpaint(rgb, mask, white, 0)[mask] == 1).all()


def test_the_feather_rises_from_the_rim_but_not_from_the_border() -> None:
    rgb = np.zeros((512, 64, 3), np.float32)
    row = inpaint(rgb, box(rgb, 100, 400, 0, 40), white, feather=3)[250, :, 0]
    assert np.allclose(row[36:41], [1, 0.75, 0.5, 0.25, 0])
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
    rgb = picture()
    mask = box(rgb, *hole)
    left, right, top, bottom = margins
    seen = []

    def spy(padded: Picture, padded_mask: Mask, hidden: Mask) -> Picture:
        seen.append((padded, padded_mask, hidden))
        return padded

    assert np.array_equal(inpaint(rgb, mask, spy), rgb)
    ((padded, padded_mask, hidden),) = seen
    assert padded.shape[0] % MULTIPLE == padded.shape[1] % MULTIPLE == 0
    assert 0 <= padded.shape[0] - (48 + top + bottom) < MULTIPLE
    assert 0 <= padded.shape[1] - (56 + left + right) < MULTIPLE
    inside = np.s_[top : top + 48, left : left + 56]
    assert np.array_equal(padded[inside], rgb)
    # The hole's mirror image need not be filled.
    assert np.array_equal(padded_mask[inside], mask)
    assert not hidden[inside].any()
    assert (padded_mask & ~hidden).sum() == mask.sum()
    if left:
        assert np.array_equal(padded[top : top + 48, :left], rgb[:, 1 : left + 1][:, ::-1])
        assert np.array_equal(padded_mask[top : top + 48, :left], mask[:, 1 : left + 1][:, ::-1])
    if top:
        assert np.array_equal(padded[:top, left : left + 56], rgb[1 : top + 1][::-1])


def test_odd_sizes_become_multiples_for_the_network() -> None:
    rgb = picture(height=45, width=51)

    def spy(padded: Picture, padded_mask: Mask, hidden: Mask) -> Picture:
        assert padded.shape[:2] == padded_mask.shape == hidden.shape == (48, 56)
        return padded

    assert inpaint(rgb, box(rgb, 10, 20, 10, 20), spy).shape == rgb.shape


def test_an_empty_mask_needs_no_network_and_a_full_one_has_no_answer() -> None:
    def forbidden(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
        raise AssertionError("asked to fill nothing")

    rgb = picture()
    assert np.array_equal(inpaint(rgb, box(rgb, 0, 0, 0, 0), forbidden), rgb)
    with pytest.raises(ValueError, match="whole picture"):
        inpaint(rgb, box(rgb, 0, 48, 0, 56), white)
    with pytest.raises(ValueError, match="whole picture"):
        inpaint(rgb, box(rgb, 0, 48, 0, 20), white, hidden=box(rgb, 0, 48, 20, 56))
    with pytest.raises(ValueError, match="rgb: expected"):
        inpaint(rgb[..., :1], box(rgb, 1, 2, 1, 2), white)


def test_what_is_hidden_is_neither_seen_nor_changed() -> None:
    rgb = np.zeros((48, 56, 3), np.float32)
    mask, person = box(rgb, 10, 30, 10, 20), box(rgb, 5, 47, 20, 40)
    rgb[person] = 1
    seen: list[Mask] = []

    def spy(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
        seen.extend((hole, hidden))
        return telea(rgb, hole, hidden)

    filled = inpaint(rgb, mask, spy, feather=0, hidden=person)
    assert np.array_equal(seen, (mask, person))
    assert np.array_equal(filled[~mask], rgb[~mask])
    assert np.allclose(filled, rgb, atol=0.01)  # One step of 8 bits.
    assert inpaint(rgb, mask, telea, feather=0)[mask].mean() > 0.1  # Seen, the person spreads.


def test_telea_continues_a_gradient_and_keeps_the_rest() -> None:
    grey = np.linspace(40, 200, 96).round().astype(np.uint8)
    rgb = signed(np.broadcast_to(grey[:, None, None], (96, 96, 3)).copy())
    mask = box(rgb, 40, 60, 30, 50)
    torn = np.where(mask[..., None], np.float32(1), rgb)
    filled = inpaint(torn, mask, telea)
    assert np.array_equal(filled[~mask], rgb[~mask])
    filled = inpaint(torn, mask, telea, feather=0)
    assert np.abs(filled - rgb).max() < 0.15  # The hole itself is off by up to 1.3.
