"""An inpainter that sees the holes' surroundings alone: boxes, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.files.pictures import Mask
from unripple.stages.composite import Picture
from unripple.stages.cropped import Box, boxes_around, cropped
from unripple.stages.inpaint import MULTIPLE

SIDE = 64


class Mean:
    """An inpainter that paints the mean of what it sees and is known; it remembers the sizes."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
        self.seen.append(hole.shape)
        known = ~(hole | hidden)
        mean = rgb[known].mean(axis=0) if known.any() else 0
        return np.where(hole[..., None], mean, rgb).astype(np.float32)


def hole_of(*boxes: Box) -> Mask:
    hole = np.zeros((SIDE, SIDE), bool)
    for box in boxes:
        hole[box.top : box.bottom, box.left : box.right] = True
    return hole


NOTHING = hole_of()


@pytest.fixture
def rgb() -> Picture:
    return np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32) * 2 - 1


def test_a_box_is_so_many_times_the_hole_and_a_multiple_of_eight() -> None:
    assert boxes_around(hole_of(Box(24, 32, 24, 32)), times=3) == [Box(16, 40, 16, 40)]
    assert boxes_around(hole_of(Box(24, 32, 25, 30)), times=1) == [Box(24, 32, 24, 32)]
    assert boxes_around(hole_of(Box(0, 8, 60, 64)), times=5) == [Box(0, 24, 48, 64)]


def test_boxes_that_meet_are_one() -> None:
    left, right = Box(8, 16, 8, 16), Box(8, 16, 24, 32)
    assert boxes_around(hole_of(left, right), times=1) == [left, right]
    assert boxes_around(hole_of(left, right), times=2) == [Box(0, 24, 0, 40)]
    chain = hole_of(left, right, Box(40, 48, 16, 24))
    assert boxes_around(chain, times=5) == [Box(0, 64, 0, 48)]


hole = st.tuples(st.integers(0, SIDE - 1), st.integers(1, 20), st.integers(0, SIDE - 1), st.integers(1, 20))


@settings(max_examples=50, deadline=None)
@given(st.lists(hole, min_size=1, max_size=5), st.integers(1, 4))
def test_every_hole_lies_in_a_box_and_no_two_boxes_meet(holes: list[tuple[int, int, int, int]], times: int) -> None:
    mask = hole_of(*(Box(top, top + height, left, left + width) for top, height, left, width in holes))
    covered = np.zeros_like(mask, dtype=int)
    for box in boxes_around(mask, times):
        covered[box.top : box.bottom, box.left : box.right] += 1
        assert all(edge % MULTIPLE == 0 for edge in box)
    assert covered.max() == 1
    assert covered[mask].all()


def test_what_is_far_from_the_hole_is_not_seen(rgb: Picture) -> None:
    mask = hole_of(Box(24, 32, 24, 32))
    model = Mean()
    filled = cropped(model, 3)(rgb, mask, NOTHING)
    assert model.seen == [(24, 24)]
    far = rgb.copy()
    far[:8] = 1
    assert np.array_equal(cropped(model, 3)(far, mask, NOTHING)[mask], filled[mask])
    assert np.array_equal(filled[~mask], rgb[~mask])
    around = rgb[16:40, 16:40][~mask[16:40, 16:40]].mean(axis=0)
    assert np.allclose(filled[mask], around, atol=1e-6)


def test_holes_far_apart_are_filled_one_by_one(rgb: Picture) -> None:
    model = Mean()
    mask = hole_of(Box(8, 16, 8, 16), Box(48, 56, 48, 56))
    filled = cropped(model, 2)(rgb, mask, NOTHING)
    assert model.seen == [(24, 24), (24, 24)]
    assert not np.allclose(filled[12, 12], filled[52, 52])


def test_where_a_box_has_nothing_to_fill_from_the_whole_picture_is_seen(rgb: Picture) -> None:
    mask = hole_of(Box(24, 32, 24, 32))
    hidden = hole_of(Box(16, 40, 16, 40))
    model = Mean()
    cropped(model, 3)(rgb, mask, hidden)
    assert model.seen == [(SIDE, SIDE)]


def test_where_the_boxes_are_no_smaller_the_whole_picture_is_seen(rgb: Picture) -> None:
    model = Mean()
    mask = hole_of(Box(8, 56, 8, 56))
    cropped(model, 3)(rgb, mask, NOTHING)
    assert model.seen == [(SIDE, SIDE)]
