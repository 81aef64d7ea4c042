"""Of several persons one is kept, with their own soft edge: the largest, and in an edit who was in the photo."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unripple.files.pictures import Matte
from unripple.stages.main_person import LOOSE, edited_person_matte, main_person
from unripple.stages.masks import scaled
from unripple.stages.warp import Motion

SIZE = 96


def person(x: float, radius: float) -> Matte:
    grid = np.arange(SIZE) + 0.5
    disc = np.hypot(grid[None] - x, grid[:, None] - 48) < radius
    return np.asarray(cv2.GaussianBlur(disc.astype(np.float32), (0, 0), 1))


@given(st.floats(10, 20), st.floats(4, 8))
def test_the_smaller_one_goes_and_the_larger_keeps_every_value(large: float, small: float) -> None:
    alone = person(30, large)
    found = main_person(np.maximum(alone, person(80, small)))
    assert np.array_equal(found[:, :58], alone[:, :58])
    assert not found[:, 75:].any()


def test_a_bridge_makes_them_one() -> None:
    joined = np.maximum(person(30, 12), person(80, 8))
    joined[46:50, 30:80] = 1
    assert np.array_equal(main_person(joined), joined)


def test_nobody_and_somebody_faint_are_left_as_they_are() -> None:
    for matte in (np.zeros((8, 8), np.float32), np.full((8, 8), 0.4, np.float32), person(30, 12)):
        assert np.array_equal(main_person(matte), matte)


def by(pixels: float) -> Motion:
    """Everything moved to the right."""
    motion = np.zeros((SIZE, SIZE, 2), np.float32)
    motion[..., 0] = -pixels
    return motion


def test_who_touches_the_edited_person_and_was_not_in_the_photo_goes() -> None:
    photo, moved, stranger = person(30, 16), person(36, 16), person(66, 16)
    both = np.maximum(moved, stranger)
    found = edited_person_matte(both, moved, photo, by(6))
    apart = np.arange(SIZE) >= np.ceil(52 + scaled(LOOSE, moved))
    assert np.array_equal(found[:, apart], moved[:, apart])
    assert np.array_equal(found[moved >= 0.5], both[moved >= 0.5])


def test_what_hfgis_edit_shows_or_the_motion_explains_stays() -> None:
    photo, moved, larger = person(30, 16), person(36, 16), person(36, 30)
    assert np.array_equal(edited_person_matte(larger, larger, photo, by(6)), larger)
    explained = edited_person_matte(moved, np.zeros_like(moved), photo, by(6))
    assert np.array_equal(explained >= 0.5, moved >= 0.5)
