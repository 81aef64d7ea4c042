"""The motion of an edit: known motions are found, and what is not to be known is not sure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unripple.detectors.dlib_faces import FaceMeter
from unripple.detectors.face_mesh import FaceMesh, Mesh
from unripple.files.pictures import Rgb
from unripple.files.tensors import resize, to_uint8
from unripple.known_plate.portraits import example_photo
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.stages.align import align
from unripple.stages.motion import area_before, fitted, motion, turned
from unripple.stages.warp import no_motion, warped

INNER = slice(27, 68)  # dlib's nose, eyes and mouth


class NoFace(FaceMesh):
    """Sees none."""

    def find(self, portrait: Rgb) -> Mesh | None:
        return None


def texture(size: int = 512, grain: int = 16) -> Rgb:
    noise = np.random.default_rng(1).integers(0, 256, (size // grain, size // grain, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


def moved(rgb: Rgb, x: float, y: float) -> Rgb:
    """The picture moved to the right and down."""
    return np.asarray(warped(rgb, no_motion(rgb.shape) - np.array([x, y], np.float32)), np.uint8)


def test_nothing_moved_is_no_motion_and_sure() -> None:
    found = motion(texture(), texture(), NoFace())
    assert np.abs(found.backward).max() < 0.1
    assert found.sureness.min() > 0.99 and found.sureness.dtype == found.backward.dtype == np.float32


@pytest.mark.parametrize("size", [256, 512])
def test_a_shift_is_found_in_the_pixels_of_the_picture(size: int) -> None:
    rgb = texture(size, 16 * size // 512)
    found = motion(rgb, moved(rgb, 9, -5), NoFace())
    inside = (slice(size // 8, -size // 8),) * 2
    assert found.backward.shape == (size, size, 2) and found.sureness.shape == (size, size)
    np.testing.assert_allclose(np.median(found.backward[inside], axis=(0, 1)), (-9, 5), atol=0.2)
    assert found.sureness[inside].mean() > 0.95


def test_what_turns_into_sight_is_less_sure_than_what_was_seen() -> None:
    before, after = texture(), texture()
    square = np.asarray(255 - texture()[:160, :160])
    before[176:336, 176:336] = square
    after[176:336, 192:352] = square
    sureness = motion(before, after, NoFace()).sureness
    uncovered, seen = sureness[196:316, 178:190].mean(), sureness[196:316, 212:332].mean()
    assert seen > 0.9 and uncovered < 0.5


def test_a_small_rest_is_fitted_and_no_more() -> None:
    rgb = texture()
    inside = (slice(64, -64),) * 2
    small = fitted(no_motion(rgb.shape), rgb, moved(rgb, 2, 1))
    np.testing.assert_allclose(np.median(small[inside], axis=(0, 1)), (-2, -1), atol=0.2)
    assert np.linalg.norm(fitted(no_motion(rgb.shape), rgb, moved(rgb, 14, 0)), axis=-1).max() < 8.01


def test_a_stretched_picture_had_less_area_and_a_mirrored_one_a_negative() -> None:
    y, x = np.indices((64, 64), dtype=np.float32)
    inside = (slice(12, -12),) * 2
    still = no_motion((64, 64))
    np.testing.assert_array_equal(area_before(still), 1)
    twice_as_wide = np.stack([-x / 2, 0 * y], axis=-1)
    np.testing.assert_allclose(area_before(twice_as_wide)[inside], 0.5, atol=1e-3)
    mirrored = np.stack([63 - 2 * x, 0 * y], axis=-1)
    np.testing.assert_allclose(area_before(mirrored)[inside], -1, atol=1e-3)


def test_a_rigid_turn_of_a_mesh_is_found_exactly() -> None:
    mesh = np.random.default_rng(2).normal(size=(468, 3))
    turn: NDArray[Any] = cv2.Rodrigues(np.array([0.2, -0.5, 0.1]))[0]
    after = 1.3 * mesh @ turn.T + [5, -2, 7]
    np.testing.assert_allclose(turned(mesh, after), after, atol=1e-9)


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="two square pictures of one size"):
        motion(texture(256), texture(512), NoFace())


def test_the_mesh_lies_on_a_face_and_on_nothing_else() -> None:
    meter, mesh = FaceMeter(), FaceMesh()
    portrait = np.asarray(cv2.resize(align(example_photo("astronaut"), meter).rgb, (512, 512)), np.uint8)
    found = mesh.find(portrait)
    assert found is not None and found.shape == (468, 3)
    landmarks = meter.landmarks(portrait, meter.detect(portrait)[0])
    corners_of_eyes = found[[33, 133, 362, 263], :2]
    assert np.linalg.norm(corners_of_eyes - landmarks[[36, 39, 42, 45]], axis=1).max() < 8
    assert mesh.find(texture()) is None


def test_a_turned_face_is_followed(root: Path) -> None:
    """Against dlib's landmarks, which have no part in it: more than half of the turn that optical flow alone sees."""
    models, meter = load(root / "models" / "lite", "cpu"), FaceMeter()
    w = CodeSampler(models.mapping, seed=3, truncation=(0.7, 0.7)).draw(1)
    with torch.no_grad():
        codes = (w, w + 2.5 * models.direction("pose"))
        before, after = (to_uint8(resize(models.generator(rows(code)), 512))[0] for code in codes)
    old, new = (meter.landmarks(rgb, meter.detect(rgb)[0])[INNER] for rgb in (before, after))
    true = old - new
    at = new.round().astype(int)

    def error(mesh: FaceMesh) -> float:
        found = motion(before, after, mesh).backward[at[:, 1], at[:, 0]]
        return float(np.linalg.norm(found - true, axis=1).mean())

    assert error(FaceMesh()) < 0.6 * np.linalg.norm(true, axis=1).mean()
    assert error(FaceMesh()) < error(NoFace())
