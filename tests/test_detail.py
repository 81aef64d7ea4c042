"""Detail transport: where it must bring the photo back, and where it must leave the edit alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from unripple.files.pictures import Matte
from unripple.stages import detail
from unripple.stages.composite import Picture
from unripple.stages.detail import consulted_inversion, with_detail
from unripple.stages.warp import no_motion, warped

SIZE = 128


def picture(seed: int, grain: int = 16) -> Picture:
    noise = np.random.default_rng(seed).uniform(-1, 1, (SIZE // grain, SIZE // grain, 3)).astype(np.float32)
    return np.asarray(np.clip(cv2.resize(noise, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), -1, 1))


def disc(x: float = 64, radius: float = 40) -> Matte:
    grid = np.arange(SIZE, dtype=np.float32)
    return (np.hypot(grid[None] - x, grid[:, None] - 64) < radius).astype(np.float32)


SURE = np.ones((SIZE, SIZE), np.float32)
STILL = no_motion((SIZE, SIZE))
#: Fine detail that the inversion lacks.
DETAIL = 0.1 * picture(9, 4)


def test_where_all_is_sure_and_agrees_the_photo_comes_back() -> None:
    inversion = 0.8 * picture(0)
    made = with_detail(inversion, inversion + DETAIL, inversion, STILL, SURE, disc(), disc())
    core = disc(radius=30) == 1
    np.testing.assert_allclose(made[core], (inversion + DETAIL)[core], atol=0.02)
    assert made.dtype == np.float32


def test_detail_goes_where_the_person_goes() -> None:
    inversion, motion = 0.8 * picture(0), STILL + np.array([10, 0], np.float32)
    edit = warped(inversion, motion)
    made = with_detail(edit, inversion + DETAIL, inversion, motion, SURE, disc(70), disc(60))
    core = disc(60, 30) == 1
    np.testing.assert_allclose(made[core], warped(inversion + DETAIL, motion)[core], atol=0.02)


def test_nothing_is_added_outside_the_edited_person_or_where_motion_is_not_sure() -> None:
    inversion = 0.8 * picture(0)
    photo = inversion + DETAIL
    outside = disc(radius=46) == 0
    made = with_detail(inversion, photo, inversion, STILL, SURE, np.ones_like(SURE), disc())
    np.testing.assert_array_equal(made[outside], inversion[outside])
    np.testing.assert_array_equal(with_detail(inversion, photo, inversion, STILL, 0 * SURE, disc(), disc()), inversion)


def test_of_the_photo_nothing_but_the_person_is_taken() -> None:
    inversion, everyone = 0.8 * picture(0), np.ones_like(SURE)
    behind = np.where(disc()[..., None] == 1, inversion, picture(7))
    made = with_detail(inversion, behind, inversion, STILL, SURE, disc(radius=34), everyone)
    np.testing.assert_allclose(made, inversion, atol=1e-6)


@pytest.mark.parametrize("contrast", [0.7, 0.12])
def test_no_second_mouth_where_the_moved_inversion_does_not_lie_over_the_edit(contrast: float) -> None:
    """A dark bar, in the photo by 2 px from where the inversion has it, in the edit far from both."""
    edit, inversion, photo = (np.zeros((512, 512, 3), np.float32) for _ in range(3))
    everyone = np.ones((512, 512), np.float32)
    inversion[240:264, 176:336] = -contrast
    photo[238:262, 176:336] = -contrast
    edit[296:320, 176:336] = -contrast
    made = with_detail(edit, photo, inversion, no_motion((512, 512)), everyone, everyone, everyone)
    assert np.abs(made - edit).max() < 0.2 * contrast


@pytest.mark.parametrize(("share", "grey"), [(0, 100), (0.25, 125), (1, 200)])
def test_an_inversion_with_a_share_of_the_distortion_lies_so_far_on_the_way(
    monkeypatch: pytest.MonkeyPatch, share: float, grey: int
) -> None:
    monkeypatch.setattr(detail, "CONSULTED", share)
    e4e, hfgi = np.full((2, 2, 3), 100, np.uint8), np.full((2, 2, 3), 200, np.uint8)
    np.testing.assert_array_equal(consulted_inversion(e4e, hfgi), np.full_like(e4e, grey))
