"""The layered plate: what of the photo stays, what is filled, and that the old person is gone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.files.pictures import Mask, Matte
from unripple.stages.composite import Picture, settled
from unripple.stages.inpaint import telea
from unripple.stages.plate import hidden_by, layered_plate, pockets, pushed_in

SIZE = 128
WIDTH = SIZE / 512  # of one pixel of the settings


def disc(x: float, radius: float = 24) -> Mask:
    grid = np.arange(SIZE) + 0.5
    return np.asarray(np.hypot(grid[None] - x, grid[:, None] - 70) < radius)


def whole(x: float, radius: float = 24) -> Matte:
    """The person without a soft edge."""
    return disc(x, radius).astype(np.float32)


def matte(x: float, radius: float = 24) -> Matte:
    return settled(np.asarray(cv2.GaussianBlur(disc(x, radius).astype(np.float32), (0, 0), 0.5)))


def background(seed: int = 3) -> Picture:
    noise = np.random.default_rng(seed).random((6, 6, 3), np.float32) * 0.4
    return np.asarray(cv2.resize(noise, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR))


def photo(x: float = 56, seed: int = 3) -> Picture:
    """A person in black before a light background."""
    return np.where(disc(x)[..., None], np.float32(-0.9), background(seed))


@settings(max_examples=15, deadline=None)
@given(st.floats(30, 90), st.floats(30, 90), st.integers(0, 100))
def test_outside_the_hole_and_the_edited_person_it_is_the_photo(before: float, after: float, seed: int) -> None:
    rgb, edited = photo(before, seed), matte(after)
    plate = layered_plate(rgb, whole(before), edited, telea)
    old, seen = hidden_by(whole(before), 5), edited < 1
    kept = ~(old | pockets(old & seen, seen))
    assert kept[:, 0].all()
    assert np.array_equal(plate[kept], rgb[kept])
    assert plate.dtype == np.float32
    assert np.abs(plate).max() <= 1


@settings(max_examples=15, deadline=None)
@given(st.floats(30, 90), st.floats(30, 90))
def test_nothing_of_the_old_person_is_left_not_even_under_the_new_one(before: float, after: float) -> None:
    plate = layered_plate(photo(before), whole(before), matte(after), telea, grow=8)
    assert plate.min() > -0.2
    assert np.abs(plate - background()).mean() < 0.05


def test_a_fringe_that_is_hardly_person_goes_too() -> None:
    fringe = np.asarray(cv2.GaussianBlur(whole(56), (0, 0), 1.4), np.float32)
    rgb = (background() + fringe[..., None] * (-0.9 - background())).astype(np.float32)
    plate = layered_plate(rgb, fringe, matte(90), telea, grow=0)
    left = (fringe > 0.12) & (matte(90) == 0)
    assert (left & ~disc(56, 25)).any()
    assert np.abs(plate - background())[left].max() < 0.25
    only_half = layered_plate(rgb, (fringe > 0.5).astype(np.float32), matte(90), telea, grow=0)
    assert np.abs(only_half - background())[left].max() > 0.5


def test_a_doubt_far_from_the_person_keeps_the_photo() -> None:
    doubtful = whole(40)
    doubtful[:, 100:] = 0.4
    plate = layered_plate(photo(40), doubtful, matte(40), telea)
    assert np.array_equal(plate[:, 100:], photo(40)[:, 100:])


def test_without_an_old_person_it_is_the_photo() -> None:
    rgb = photo()
    assert np.array_equal(layered_plate(rgb, whole(0, 0), matte(56), telea), rgb)


def test_with_the_old_person_wholly_covered_only_what_nobody_sees_changes() -> None:
    rgb, edited = photo(), matte(56, radius=40)
    seen = edited < 1
    plate = layered_plate(rgb, whole(56), edited, telea)
    assert np.array_equal(plate[seen], rgb[seen])
    assert plate.min() > -0.2


def test_the_inpainter_sees_neither_person() -> None:
    rgb, edited = photo(50), matte(74)
    asked = []

    def spy(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
        asked.append((hole, hidden))
        return telea(rgb, hole, hidden)

    layered_plate(rgb, whole(50), edited, spy)
    ((hole, hidden),) = asked
    assert ((hole | hidden) >= disc(50)).all()
    assert not (hole & hidden).any()
    assert np.array_equal(hidden, edited == 1)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        layered_plate(photo(), whole(50)[:64], matte(50), telea)
    with pytest.raises(ValueError, match="photo: expected"):
        layered_plate(photo()[:64], whole(50), matte(50), telea)


def test_pushed_in_goes_on_smoothly_and_keeps_the_rest() -> None:
    ramp = np.repeat(np.linspace(-0.8, 0.8, SIZE, dtype=np.float32)[None, :, None], SIZE, axis=0)
    rgb = np.repeat(ramp, 3, axis=2)
    torn = np.where(disc(64)[..., None], np.float32(1), rgb)
    filled = pushed_in(torn, disc(64))
    assert np.array_equal(filled[~disc(64)], rgb[~disc(64)])
    assert np.abs(filled - rgb).max() < 0.2
    flat = np.full_like(rgb, 0.3)
    assert np.allclose(pushed_in(np.where(disc(64)[..., None], np.float32(-1), flat), disc(64)), flat, atol=1e-5)


def test_the_notch_of_a_collar_goes_and_the_wide_bay_stays() -> None:
    hole, seen = np.zeros((128, 128), bool), np.ones((128, 128), bool)
    hole[20:60, 20:60] = True
    hole[30:40, 30:40] = False  # shut in on all sides
    hole[50:60, 42:45] = hole[45:50, 40:47] = False  # a notch with a neck of 3 px
    hole[20:60, 80:120], hole[20:50, 90:110] = True, False  # a bay of 20 px
    notches = np.zeros_like(hole)
    notches[30:40, 30:40] = notches[50:57, 42:45] = notches[45:50, 40:47] = True
    found = pockets(hole, seen)
    assert not (notches & ~found).any()
    assert (found & ~notches).sum() < 30  # corners that a disc does not reach


def test_a_gap_in_the_new_hair_far_from_the_hole_shows_the_photo() -> None:
    hole, seen = np.zeros((128, 128), bool), np.ones((128, 128), bool)
    hole[20:60, 0:20] = True
    seen[20:60, 60:100] = False
    seen[30:35, 70:75] = True
    assert not pockets(hole, seen).any()


def test_another_person_of_the_photo_is_background() -> None:
    both = np.maximum(whole(40), whole(110, 8))
    assert np.array_equal(hidden_by(both, 5), hidden_by(whole(40), 5))
    rgb = np.where(disc(110, 8)[..., None], np.float32(0.7), photo(40))
    plate = layered_plate(rgb, both, matte(40), telea)
    assert np.array_equal(plate[disc(110, 8)], rgb[disc(110, 8)])
