"""Of two persons who stand apart the larger one is kept, with their own soft edge."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unripple.files.pictures import Matte
from unripple.stages.main_person import main_person

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
