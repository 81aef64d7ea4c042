"""Fields of motion: what moving along them must keep."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unripple.stages.warp import Motion, no_motion, resized, spread, then, there_and_back, warped

SIZE = 48
INSIDE = (slice(12, -12), slice(12, -12))


def smooth(seed: int, channels: int, amplitude: float = 1) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).uniform(-amplitude, amplitude, (4, 4, channels)).astype(np.float32)
    return np.asarray(cv2.resize(noise, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))


def shift(x: float, y: float, size: int = SIZE) -> Motion:
    return np.full((size, size, 2), (x, y), np.float32)


@settings(max_examples=20, deadline=None)
@given(st.integers(-8, 8), st.integers(-8, 8), st.integers(0, 99))
def test_whole_pixels_are_moved_without_loss(x: int, y: int, seed: int) -> None:
    picture = np.random.default_rng(seed).random((SIZE, SIZE, 3), np.float32)
    expected = np.roll(picture, (-y, -x), (0, 1))  # out(p) = picture(p + motion)
    np.testing.assert_allclose(warped(picture, shift(x, y))[INSIDE], expected[INSIDE], atol=1e-6)


def test_without_motion_a_picture_stays_bit_equal() -> None:
    picture = np.random.default_rng(0).random((SIZE, SIZE, 3), np.float32)
    np.testing.assert_array_equal(warped(picture, no_motion(picture.shape)), picture)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99))
def test_joined_motions_move_as_one_after_the_other(seed: int) -> None:
    picture, first, second = smooth(seed, 3), smooth(seed + 100, 2, 3), smooth(seed + 200, 2, 3)
    np.testing.assert_allclose(
        warped(picture, then(first, second))[INSIDE], warped(warped(picture, first), second)[INSIDE], atol=0.05
    )


def test_going_there_and_back_along_opposite_shifts_misses_nothing() -> None:
    assert there_and_back(shift(3, -2), shift(-3, 2)).max() == 0
    np.testing.assert_allclose(there_and_back(shift(3, 0), shift(0, 4)), 5)


def test_a_motion_of_another_size_is_in_its_pixels() -> None:
    np.testing.assert_allclose(resized(shift(4, -6), 24), shift(2, -3, 24))
    np.testing.assert_allclose(resized(shift(4, -6), 96), shift(8, -12, 96))


def test_known_values_stay_and_the_unknown_take_what_lies_near() -> None:
    values = np.random.default_rng(0).random((SIZE, SIZE, 3), np.float32)
    known = np.zeros((SIZE, SIZE), np.float32)
    known[:, :20] = 1
    filled = spread(values, known)
    np.testing.assert_allclose(filled[known == 1], values[known == 1], atol=1e-6)
    assert filled.min() >= values[known == 1].min() and filled.max() <= values[known == 1].max()
    np.testing.assert_allclose(spread(np.ones_like(values), known), 1, atol=1e-5)
    assert not spread(values, np.zeros_like(known)).any()


def test_a_motion_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a motion \(48, 48, 2\)"):
        warped(np.zeros((SIZE, SIZE), np.float32), no_motion((24, 24)))
