"""Faces that dlib alone does not find: small in a large photo, lying, turned to the side, covered. And several."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unripple.detectors.blazeface import FaceSeeker, Square
from unripple.detectors.crop import crop_side, ffhq_transform
from unripple.detectors.crowd import _nearer
from unripple.detectors.dlib_faces import FaceMeter, head_pose
from unripple.files.pictures import Rgb
from unripple.files.tensors import to_uint8
from unripple.models import lite
from unripple.photos.decoding import PhotoRefused
from unripple.stages.align import Aligned, align

#: The side of the astronaut's crop, in pixels of her photo.
CROP = 173.5


@pytest.fixture(scope="module")
def seeker() -> FaceSeeker:
    return FaceSeeker()


def scaled(photo: Rgb, scale: float) -> Rgb:
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=interpolation), np.uint8)


def as_photo(rgb: Rgb, aligned: Aligned) -> NDArray[np.float64]:
    """Centre and side of the crop."""
    size = len(aligned.rgb)
    corners = aligned.transform @ np.array([[0, size, size / 2], [0, 0, size / 2], [1, 1, 1]])
    return np.array([*corners[:2, 2], np.hypot(*(corners[:2, 1] - corners[:2, 0]))])


def test_where_dlib_finds_the_face_the_crop_is_the_one_it_always_was(meter: FaceMeter, astronaut: Rgb) -> None:
    class Nobody(FaceSeeker):
        def seek(self, rgb: Rgb, everyone: bool = False) -> list[NDArray[np.float64]]:
            raise AssertionError("not asked for")

    aligned = align(astronaut, meter, 1024, seeker=Nobody())
    assert np.array_equal(
        aligned.transform[:2],
        [
            [0.16922542773662383, -0.008740982837635566, 143.28196421171805],
            [0.008740982837635566, 0.16922542773662383, 15.781197785979188],
        ],
    )
    assert aligned.turns == 0 and aligned.notes == ()


@pytest.mark.parametrize(
    ("side", "width", "height"), [(128, 4032, 3024), (202, 4032, 3024), (336, 6000, 4000), (160, 10_000, 8_900)]
)
def test_a_small_face_in_a_camera_s_photo_is_found(
    meter: FaceMeter, seeker: FaceSeeker, astronaut: Rgb, side: int, width: int, height: int
) -> None:
    scale = side / CROP
    head = scaled(astronaut, scale)[: int(230 * scale), int(110 * scale) : int(350 * scale)]
    photo = np.full((height, width, 3), (90, 110, 100), np.uint8)
    left, top = int(0.63 * width), int(0.55 * height)
    photo[top : top + len(head), left : left + head.shape[1]] = head
    found = as_photo(photo, align(photo, meter, 256, seeker=seeker))
    expected = np.array([left + scale * (225.5 - 110), top + scale * 106.9, side])
    assert np.abs(found - expected).max() < 0.06 * side


@pytest.mark.parametrize(("turns", "note"), [(1, "right by 90"), (2, "stood on its head"), (3, "left by 90")])
def test_a_photo_that_lies_is_turned_upright_and_the_crop_is_the_upright_one_s(
    meter: FaceMeter, seeker: FaceSeeker, astronaut: Rgb, turns: int, note: str
) -> None:
    lying = np.ascontiguousarray(np.rot90(astronaut, turns))
    aligned, upright = align(lying, meter, 256, seeker=seeker), align(astronaut, meter, 256)
    assert note in aligned.notes[0]
    assert np.array_equal(aligned.rgb, upright.rgb)
    assert np.array_equal(aligned.transform, upright.transform)
    assert np.array_equal(np.rot90(lying, aligned.turns), astronaut)


@pytest.mark.parametrize("angle", [-45, 45, 135, -135])
def test_a_face_that_leans_is_found(meter: FaceMeter, seeker: FaceSeeker, astronaut: Rgb, angle: int) -> None:
    turn = cv2.getRotationMatrix2D((256, 256), angle, 0.9)
    leaning = np.asarray(cv2.warpAffine(astronaut, turn, (512, 512), borderValue=(90, 90, 90)), np.uint8)
    aligned = align(leaning, meter, 512, seeker=seeker)
    found = meter.measure(aligned.rgb)
    assert found is not None
    assert abs(found.pose.roll) < 8
    assert as_photo(leaning, aligned)[2] == pytest.approx(0.9 * CROP, rel=0.05)


@pytest.mark.parametrize("covered", [(slice(145, 175), slice(195, 260)), (slice(103, 125), slice(185, 262))])
def test_a_mask_and_dark_glasses_do_not_hide_a_face(
    meter: FaceMeter, seeker: FaceSeeker, astronaut: Rgb, covered: tuple[slice, slice]
) -> None:
    photo = astronaut.copy()
    photo[covered] = (20, 30, 60)
    found = as_photo(photo, align(photo, meter, 256, seeker=seeker))
    assert np.abs(found - [225.5, 106.9, CROP]).max() < 0.06 * CROP


@torch.no_grad()
def test_a_head_turned_to_the_side_is_found(meter: FaceMeter, seeker: FaceSeeker, root: Path) -> None:
    models = lite.load(root / "models/lite", "cpu")
    w = 0.8 * models.mapping(torch.randn(1, 512, generator=torch.Generator().manual_seed(12)))
    yaws = []
    for degree in (0, 5, 7):
        code = w + degree * models.direction("pose")
        photo = to_uint8(models.generator(code[:, None].expand(1, 18, 512).contiguous()))[0]
        (face,) = seeker.seek(photo)
        yaws.append(head_pose(face, photo.shape).yaw)
        assert align(photo, meter, 256, seeker=seeker).rgb.shape == (256, 256, 3)
        if not meter.detect(photo, thorough=True):
            assert degree == 7  # Where dlib's own detector has given up.
    assert yaws == sorted(yaws) and yaws[-1] > 40


def test_both_ways_agree_on_frontal_faces(meter: FaceMeter, seeker: FaceSeeker, astronaut: Rgb) -> None:
    for scale in (1, 2.5):
        photo = scaled(astronaut, scale)
        (mesh,) = seeker.seek(photo)
        known = meter.landmarks(photo, meter.detect(photo, thorough=True)[0])
        for landmarks, tolerance in ((mesh, 0.05), (_nearer(photo, mesh, meter), 0.03)):
            one, other = (ffhq_transform(points, 1) for points in (landmarks, known))
            assert np.abs(one - other)[:2].max() < tolerance * crop_side(known)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "grass"])
def test_where_nobody_is_nobody_is_found(meter: FaceMeter, seeker: FaceSeeker, name: str) -> None:
    import skimage.data

    photo = getattr(skimage.data, name)()
    photo = np.repeat(photo[..., None], 3, axis=2) if photo.ndim == 2 else photo
    with pytest.raises(PhotoRefused, match=r"no face found; looked for .*128 pixels.*60 degrees.*crop.*upright.*uncov"):
        align(photo, meter, seeker=seeker)


def test_faces_are_numbered_from_the_left_and_another_can_be_taken(
    meter: FaceMeter, seeker: FaceSeeker, astronaut: Rgb
) -> None:
    both = np.full((512, 912, 3), 90, np.uint8)
    both[:400, :400] = scaled(astronaut, 400 / 512)
    both[:, 400:] = astronaut
    largest = align(both, meter, 256, seeker=seeker, face=0)
    assert "2 faces found, from the left: 1 at x 1" in largest.notes[0]
    assert largest.notes[0].endswith("the largest, number 2, is taken")
    first, second = (align(both, meter, 256, seeker=seeker, face=face) for face in (1, 2))
    assert as_photo(both, first)[0] < 400 < as_photo(both, second)[0]
    assert np.array_equal(second.rgb, largest.rgb)
    assert np.array_equal(second.rgb, align(both, meter, 256).rgb)
    with pytest.raises(PhotoRefused, match="face 3: 2 faces found, from the left: 1 at"):
        align(both, meter, seeker=seeker, face=3)


@settings(max_examples=30, deadline=None)
@given(st.floats(-180, 180), st.floats(40, 900), st.integers(20, 200))
def test_a_square_is_cut_where_it_says(angle: float, extent: float, side: int) -> None:
    y, x = np.mgrid[0:1000, 0:1000]
    photo = np.stack([x / 4, y / 4, np.zeros_like(x)], axis=2).astype(np.uint8)
    axis = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    square = Square(np.array([520.0, 480.0]), min(extent, 600), axis, side)
    at = np.array([[side * 0.3, side * 0.6], [side * 0.5, side * 0.5]])
    for point, (seen_x, seen_y) in zip(at.astype(int), square.to_photo(at.astype(int) + 0.5), strict=True):
        assert (
            np.abs(square.cut(photo)[point[1], point[0], :2] * 4.0 - [seen_x, seen_y]).max() < 4 + square.extent / side
        )


@pytest.mark.parametrize("shape", [(130, 200_000, 3), (200_000, 130, 3), (1, 1, 3)])
def test_odd_shapes_are_looked_at(seeker: FaceSeeker, shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert seeker.seek(noise) == []
