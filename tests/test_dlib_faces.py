"""dlib behind one class: checked on the public-domain astronaut and on projections of a known head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.detectors import dlib_faces, package_files
from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import Rgb


def projected(yaw: float, pitch: float, roll: float, size: int = 512) -> dlib_faces.Landmarks:
    """Landmarks of the generic head, turned by degrees, 800 mm before a camera."""
    turn = np.radians([pitch, yaw, roll])
    about_x = cv2.Rodrigues(np.array([-turn[0], 0, 0]))[0]
    about_y = cv2.Rodrigues(np.array([0, turn[1], 0]))[0]
    about_z = cv2.Rodrigues(np.array([0, 0, turn[2]]))[0]
    # The nose points along -z: +yaw about y (down) carries it to -x, the person's right; -pitch about x lifts it.
    head = (about_y @ about_x @ about_z @ dlib_faces._FACE_POINTS.T).T + np.array([0, 0, 800.0])
    landmarks = np.full((68, 2), np.nan)
    focal = dlib_faces._FOCAL * size
    landmarks[list(dlib_faces._FACE_INDICES)] = focal * head[:, :2] / head[:, 2:] + size / 2
    return landmarks


@settings(max_examples=40, deadline=None)
@given(st.floats(-45, 45), st.floats(-20, 20), st.floats(-20, 20))
def test_head_pose_of_a_known_head_is_found(yaw: float, pitch: float, roll: float) -> None:
    pose = dlib_faces.head_pose(projected(yaw, pitch, roll), (512, 512, 3))
    assert pose.yaw == pytest.approx(yaw, abs=0.1)
    assert pose.pitch == pytest.approx(pitch, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(st.floats(-40, 40))
def test_roll_is_clockwise_as_seen(roll: float) -> None:
    assert dlib_faces.head_pose(projected(0, 0, roll), (512, 512, 3)).roll == pytest.approx(roll, abs=0.1)


def test_landmarks_on_a_line_are_refused() -> None:
    landmarks = np.repeat(np.arange(68.0)[:, None], 2, axis=1)
    with pytest.raises(ValueError, match="line"):
        dlib_faces.head_pose(landmarks, (512, 512, 3))


def test_the_astronaut_is_measured(meter: FaceMeter, astronaut: Rgb) -> None:
    found = meter.measure(astronaut)
    assert found is not None
    assert found.faces == 1
    left, top, right, bottom = found.box
    assert left < 224 < right  # Her nose.
    assert top < 130 < bottom
    assert found.landmarks.shape == (68, 2)
    assert found.descriptor.shape == (128,)
    assert abs(found.yaw) < 8
    assert found.smile > 1.1


def test_a_mirrored_face_turns_the_other_way_and_stays_the_person(meter: FaceMeter, astronaut: Rgb) -> None:
    here, there = meter.measure(astronaut), meter.measure(np.ascontiguousarray(astronaut[:, ::-1]))
    assert here is not None
    assert there is not None
    assert here.yaw == pytest.approx(-there.yaw, abs=2)
    assert here.pose.roll == pytest.approx(-there.pose.roll, abs=2)
    assert dlib_faces.identity_distance(here.descriptor, there.descriptor) < dlib_faces.SAME_PERSON


def test_boxes_are_in_pixels_of_the_picture_given(meter: FaceMeter, astronaut: Rgb) -> None:
    large = astronaut.repeat(3, axis=0).repeat(3, axis=1)
    here, there = meter.detect(astronaut)[0], meter.detect(large)[0]
    assert np.allclose(np.array(there) / 3, np.array(here), atol=12)


def test_the_largest_face_comes_first(meter: FaceMeter, astronaut: Rgb) -> None:
    small = cv2.resize(astronaut, (360, 360), interpolation=cv2.INTER_AREA)
    both = np.full((512, 872, 3), 90, np.uint8)
    both[:360, :360] = small
    both[:, 360:] = astronaut
    boxes = meter.detect(both, thorough=True)
    assert len(boxes) == 2
    assert boxes[0].left > 360
    assert boxes[0].area > boxes[1].area


def test_no_face_is_none(meter: FaceMeter) -> None:
    assert meter.measure(np.full((256, 256, 3), 128, np.uint8)) is None


def test_a_smile_widens_and_lifts_the_mouth() -> None:
    landmarks = np.zeros((68, 2))
    landmarks[36:42] = (-30, 0)
    landmarks[42:48] = (30, 0)
    landmarks[[51, 57]] = (0, 60)
    landmarks[48], landmarks[54] = (-24, 60), (24, 60)
    assert dlib_faces.smile(landmarks) == pytest.approx(48 / 60)
    landmarks[48], landmarks[54] = (-30, 54), (30, 54)
    assert dlib_faces.smile(landmarks) == pytest.approx(1 + 6 / 60)
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert dlib_faces.smile(3 * landmarks @ turn + 7) == pytest.approx(1.1)


def test_a_model_that_is_not_installed_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"nobody\.dat.*face-recognition-models"):
        package_files.dlib_file("nobody.dat")
