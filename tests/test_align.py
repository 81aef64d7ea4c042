"""FFHQ's crop, and the way back into the photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.detectors.crop import ffhq_transform
from unripple.detectors.dlib_faces import FaceMeter, Landmarks
from unripple.files.pictures import Rgb
from unripple.photos.decoding import PhotoRefused
from unripple.stages import align as stage
from unripple.stages.align import align, paste_back


def resized(photo: Rgb, width: int, height: int) -> Rgb:
    interpolation = cv2.INTER_AREA if width < photo.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, (width, height), interpolation=interpolation), np.uint8)


def level_face() -> Landmarks:
    """Eyes 60 apart at y = 100 and a mouth 60 below, as centres of pixels."""
    landmarks = np.zeros((68, 2))
    landmarks[36:42], landmarks[42:48] = (170, 100), (230, 100)
    landmarks[48], landmarks[54] = (180, 160), (220, 160)
    return landmarks - 0.5


def smooth_photo(height: int = 300, width: int = 400) -> Rgb:
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 100 * np.sin(x / 23 + k) * np.cos(y / 31 - k) for k in range(3)]
    return np.stack(waves, axis=2).astype(np.uint8)


def test_the_square_is_ffhq_s() -> None:
    # Half a side = max(2 * 60, 1.8 * 60) = 120, centre = eyes + a tenth of the way to the mouth = (200, 106).
    transform = ffhq_transform(level_face(), 1024)
    assert np.allclose(transform @ [0, 0, 1], [80, -14, 1])
    assert np.allclose(transform @ [1024, 1024, 1], [320, 226, 1])


@settings(max_examples=30, deadline=None)
@given(st.floats(-180, 180), st.floats(0.2, 5), st.floats(-300, 300), st.floats(-300, 300))
def test_the_square_moves_with_the_face(angle: float, scale: float, dx: float, dy: float) -> None:
    sine, cosine = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    move = np.array([[scale * cosine, -scale * sine, dx], [scale * sine, scale * cosine, dy], [0, 0, 1]])
    centres = np.c_[level_face() + 0.5, np.ones(68)]
    moved = (centres @ move.T)[:, :2] - 0.5
    assert np.allclose(ffhq_transform(moved, 256), move @ ffhq_transform(level_face(), 256))


def test_the_astronaut_s_eyes_lie_where_ffhq_puts_them(meter: FaceMeter, astronaut: Rgb) -> None:
    aligned = align(astronaut, meter, 512)
    assert aligned.rgb.shape == (512, 512, 3)
    assert aligned.notes == ()
    found = meter.measure(aligned.rgb)
    assert found is not None
    eyes = np.array([found.landmarks[36:42].mean(axis=0), found.landmarks[42:48].mean(axis=0)]) / 512
    assert np.allclose(eyes[:, 1], 0.47, atol=0.03)
    assert eyes[:, 0].mean() == pytest.approx(0.5, abs=0.02)
    assert eyes[1, 0] - eyes[0, 0] == pytest.approx(0.24, abs=0.03)


def test_the_crop_does_not_depend_on_the_photo_s_size(meter: FaceMeter, astronaut: Rgb) -> None:
    large = resized(astronaut, 2048, 2048)
    transform = align(astronaut, meter, 256).transform
    magnified = np.diag([4.0, 4.0, 1.0]) @ transform
    here, _ = stage._crop(astronaut, transform, 256)
    there, _ = stage._crop(large, magnified, 256)
    assert np.abs(here.astype(int) - there).mean() < 2


def test_no_face_and_small_faces_are_refused(meter: FaceMeter, astronaut: Rgb) -> None:
    with pytest.raises(PhotoRefused, match="no face"):
        align(np.full((300, 300, 3), 127, np.uint8), meter)
    with pytest.raises(PhotoRefused, match="too small"):
        align(resized(astronaut, 300, 300), meter)


@pytest.mark.parametrize("shape", [(130, 600_000, 3), (600_000, 130, 3)])
def test_a_long_strip_shows_no_face(meter: FaceMeter, shape: tuple[int, ...]) -> None:
    with pytest.raises(PhotoRefused, match="no face"):
        align(np.zeros(shape, np.uint8), meter)


def test_of_several_faces_the_largest_is_taken_and_said(meter: FaceMeter, astronaut: Rgb) -> None:
    both = np.full((512, 912, 3), 90, np.uint8)
    both[:400, :400] = resized(astronaut, 400, 400)
    both[:, 400:] = astronaut
    aligned = align(both, meter, 256)
    assert any("2 faces" in note for note in aligned.notes)
    assert np.abs(aligned.rgb.astype(int) - align(astronaut, meter, 256).rgb).mean() < 6


def test_what_lies_beyond_the_photo_is_mirrored_and_said(meter: FaceMeter, astronaut: Rgb) -> None:
    left, top = 160, 40
    tight = np.ascontiguousarray(astronaut[top:, left:])
    aligned = align(tight, meter, 256)
    assert any("beyond" in note for note in aligned.notes)
    shift = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
    whole, _ = stage._crop(astronaut, shift @ aligned.transform, 256)
    assert np.abs(aligned.rgb[100:].astype(int) - whole[100:])[:, 100:].mean() < 3
    assert aligned.rgb[:8].std() < whole.std()


@pytest.mark.parametrize("size", [64, 240, 1024])
@pytest.mark.parametrize("angle", [0.0, 17.0, -80.0])
def test_an_unchanged_portrait_pastes_back_to_the_photo(size: int, angle: float) -> None:
    photo = smooth_photo()
    turn = np.vstack([cv2.getRotationMatrix2D((200, 150), angle, 1), [0, 0, 1]])
    transform = turn @ np.array([[200 / size, 0, 100], [0, 200 / size, 50], [0, 0, 1]])
    portrait, beyond = stage._crop(photo, transform, size)
    assert beyond == 0
    pasted = paste_back(photo, portrait, transform)
    assert np.abs(pasted.astype(int) - photo).max() <= (6 if size == 64 else 2)


@settings(max_examples=30, deadline=None)
@given(st.floats(-60, 60), st.floats(30, 500), st.floats(-200, 500), st.floats(-200, 400))
def test_outside_the_square_the_photo_is_bit_equal(angle: float, side: float, x: float, y: float) -> None:
    photo, size = smooth_photo(120, 160), 64
    sine, cosine = np.sin(np.radians(angle)) * side / size, np.cos(np.radians(angle)) * side / size
    transform = np.array([[cosine, -sine, x], [sine, cosine, y], [0, 0, 1]])
    pasted = paste_back(photo, np.full((size, size, 3), 255, np.uint8), transform)
    rows, columns = np.mgrid[0:120, 0:160] + 0.5
    u, v, _ = np.linalg.inv(transform) @ np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    left, top, right, bottom = (
        size * stage.PASTE_FEATHER * free for free in stage._at_border(transform, size, photo.shape)
    )
    outside = (u < -left) | (u > size + right) | (v < -top) | (v > size + bottom)
    assert np.array_equal(pasted[outside.reshape(rows.shape)], photo[outside.reshape(rows.shape)])


@pytest.mark.parametrize("strip", [0, 5, 40])
def test_a_portrait_goes_on_to_a_border_that_is_near(strip: int) -> None:
    size, feather = 256, 16
    photo = np.full((size + 100, size + 2 * strip, 3), 90, np.uint8)
    transform = np.array([[1.0, 0, strip], [0, 1, 50], [0, 0, 1]])
    pasted = paste_back(photo, np.full((size, size, 3), 9, np.uint8), transform)
    assert (pasted[:50] == 90).all() and (pasted[50 + size :] == 90).all()
    middle = pasted[50 + feather : 50 + size - feather]
    if strip < feather:
        assert (middle == 9).all()
    else:
        assert (middle[:, :strip] == 90).all() and (middle[:, strip + feather : strip + size - feather] == 9).all()


def test_the_middle_of_the_square_is_the_portrait_s_and_weight_0_keeps_the_photo() -> None:
    photo, size = smooth_photo(), 128
    transform = np.array([[1.0, 0, 100], [0, 1, 50], [0, 0, 1]])
    portrait = np.full((size, size, 3), 9, np.uint8)
    pasted = paste_back(photo, portrait, transform)
    assert (pasted[60:168, 110:218] == 9).all()
    assert np.array_equal(paste_back(photo, portrait, transform, np.zeros((size, size), np.float32)), photo)


def test_a_portrait_must_be_square() -> None:
    with pytest.raises(ValueError, match="square"):
        paste_back(smooth_photo(), np.zeros((64, 60, 3), np.uint8), np.eye(3))
