"""Faces measured by dlib: where they are, 68 landmarks, identity, head pose and smile.

King, "Dlib-ml", JMLR 2009; landmarks: Kazemi and Sullivan, CVPR 2014, in the numbering of iBUG 300-W. The trained
models ship in the package ``face-recognition-models``, whose own import needs a module that no longer exists:
only its files are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from unripple.detectors.package_files import dlib_file
from unripple.files.pictures import Rgb

if TYPE_CHECKING:
    from unripple.detectors.dlib_descriptor import DlibResNet

Landmarks = NDArray[np.float64]
Descriptor = NDArray[np.float64]

#: Two descriptors nearer than this belong to one person (dlib's own threshold).
SAME_PERSON: Final = 0.6

# The detector's smallest face is 80 px. A small copy is fast, and enough for portraits; a large one shows every face
# that could be edited.
_QUICK_SIDE: Final = 640
_THOROUGH_SIDE: Final = 1600
# Of the detector's score. Faces turned by 45 degrees still reach 1; badges and cups stay below 0.2.
_CONFIDENCE: Final = 0.3

# Side of the picture that dlib's network describes, and the share of it around the landmarks, as in its training.
_CHIP: Final = 150
_PADDING: Final = 0.25

# A generic adult face, in millimetres from the tip of the nose: x to the person's left, y down, z into the head;
# rounded from the averages of Farkas, "Anthropometry of the Head and Face", 1994. Jaw outlines are left out, because
# their landmarks slide along the silhouette when the head turns.
_FACE_POINTS: Final = np.array(
    [
        (0.0, -39.0, 20.0),  # 27 root of the nose
        (0.0, 0.0, 0.0),  # 30 tip of the nose
        (-16.0, 10.0, 16.0),  # 31 right wing of the nose
        (0.0, 13.0, 13.0),  # 33 base of the nose
        (16.0, 10.0, 16.0),  # 35 left wing of the nose
        (-44.5, -37.0, 40.0),  # 36 right eye, outer corner
        (-16.5, -36.0, 31.0),  # 39 right eye, inner corner
        (16.5, -36.0, 31.0),  # 42 left eye, inner corner
        (44.5, -37.0, 40.0),  # 45 left eye, outer corner
        (-26.0, 36.0, 25.0),  # 48 right corner of the mouth
        (26.0, 36.0, 25.0),  # 54 left corner of the mouth
        (0.0, 82.0, 22.0),  # 8 chin
    ]
)
_FACE_INDICES: Final = (27, 30, 31, 33, 35, 36, 39, 42, 45, 48, 54, 8)

# Portraits are taken from some metres: the focal length in units of the picture's longer side.
_FOCAL: Final = 2.5


class Box(NamedTuple):
    """A face's rectangle in pixels; ``right`` and ``bottom`` are inclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)


class HeadPose(NamedTuple):
    """Degrees. ``yaw`` + = turned to the person's right; ``pitch`` + = looks up; ``roll`` + = clockwise as seen.

    Measured against a generic face: yaw and roll are zero for a symmetric view, pitch carries the offset of the
    person's own profile and compares only views of one person.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class FaceMeasure:
    """All that is measured on one face.

    ``landmarks: float64 (68, 2)`` x, y in pixels; ``descriptor: float64 (128,)``; ``faces``: how many were
    found, of which this is the largest.
    """

    box: Box
    landmarks: Landmarks
    descriptor: Descriptor
    pose: HeadPose
    smile: float
    faces: int

    @property
    def yaw(self) -> float:
        return self.pose.yaw


class FaceMeter:
    """dlib's detector, landmarks and descriptor. Models load when first used; not for sharing between threads."""

    def detect(self, rgb: Rgb, thorough: bool = False) -> list[Box]:
        """Frontal to half-profile faces in ``uint8 (H, W, 3)``, largest first; empty if there is none.

        By default small faces beside large ones may be missed; ``thorough`` costs some tenths of a second more.
        """
        quick = [] if thorough else self._detect_at(rgb, _QUICK_SIDE / max(rgb.shape[:2]))
        boxes = quick or self._detect_at(rgb, _THOROUGH_SIDE / max(rgb.shape[:2]))
        return sorted(boxes, key=lambda box: (-box.area, box))

    def _detect_at(self, rgb: Rgb, scale: float) -> list[Box]:
        scale = min(scale, 2.0)  # Magnifying more finds no more.
        if min(rgb.shape[:2]) * scale < 1:  # A long strip, of which nothing would be left.
            return []
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        copy = rgb if scale == 1 else cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=interpolation)
        found, _, _ = self._detector.run(np.ascontiguousarray(copy), 0, _CONFIDENCE)
        return [
            Box(*(round(edge / scale) for edge in (face.left(), face.top(), face.right(), face.bottom())))
            for face in found
        ]

    def landmarks(self, rgb: Rgb, box: Box) -> Landmarks:
        """The 68 landmarks of the face in ``box``: ``float64 (68, 2)``, x and y in pixels."""
        shape = self._predictor(np.ascontiguousarray(rgb), dlib.rectangle(*box))
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)

    def descriptor(self, rgb: Rgb, landmarks: Landmarks) -> Descriptor:
        """dlib's identity vector, ``float64 (128,)``; compare with `identity_distance`."""
        points = [dlib.point(round(x), round(y)) for x, y in landmarks.tolist()]
        left, top = (int(edge) for edge in landmarks.min(axis=0))
        right, bottom = (int(edge) for edge in landmarks.max(axis=0))
        face = dlib.full_object_detection(dlib.rectangle(left, top, right, bottom), dlib.points(points))
        return self._recogniser.describe(dlib.get_face_chip(np.ascontiguousarray(rgb), face, _CHIP, _PADDING))

    def head_pose(self, landmarks: Landmarks, shape: tuple[int, ...]) -> HeadPose:
        """See the function `head_pose`."""
        return head_pose(landmarks, shape)

    def smile(self, landmarks: Landmarks) -> float:
        """See the function `smile`."""
        return smile(landmarks)

    def measure(self, rgb: Rgb) -> FaceMeasure | None:
        """Measure the largest face of ``uint8 (H, W, 3)``; None when no face is found."""
        boxes = self.detect(rgb)
        if not boxes:
            return None
        landmarks = self.landmarks(rgb, boxes[0])
        return FaceMeasure(
            box=boxes[0],
            landmarks=landmarks,
            descriptor=self.descriptor(rgb, landmarks),
            pose=head_pose(landmarks, rgb.shape),
            smile=smile(landmarks),
            faces=len(boxes),
        )

    @cached_property
    def _detector(self) -> Any:
        return dlib.get_frontal_face_detector()

    @cached_property
    def _predictor(self) -> Any:
        return dlib.shape_predictor(str(dlib_file("shape_predictor_68_face_landmarks.dat")))

    @cached_property
    def _recogniser(self) -> DlibResNet:
        # With torch, which whoever only looks for faces can spare.
        from unripple.detectors.dlib_descriptor import load

        return load(dlib_file("dlib_face_recognition_resnet_model_v1.dat"))


def identity_distance(a: Descriptor, b: Descriptor) -> float:
    """Euclidean distance of two descriptors; below `SAME_PERSON` dlib calls them one person."""
    return float(np.linalg.norm(a - b))


def head_pose(landmarks: Landmarks, shape: tuple[int, ...]) -> HeadPose:
    """Head pose by perspective-n-point against a generic 3-D face.

    Args:
        landmarks: ``float64 (68, 2)``.
        shape: of the picture, ``(H, W, …)``; sets the assumed focal length (2.5 times the longer side).
    """
    height, width = shape[:2]
    focal = _FOCAL * max(height, width)
    centre = np.array([width / 2, height / 2])
    camera = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    seen = landmarks[list(_FACE_INDICES)]
    start, pixels_per_mm = _weak_perspective(seen)
    depth = focal / pixels_per_mm
    middle = np.append((seen.mean(axis=0) - centre) / pixels_per_mm, depth)
    shift = middle - start @ _FACE_POINTS.mean(axis=0)
    _, rotation_vector, _ = cv2.solvePnP(
        _FACE_POINTS, seen, camera, None, cv2.Rodrigues(start)[0], shift[:, None], True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    rotation = cv2.Rodrigues(rotation_vector)[0]
    gaze = rotation @ np.array([0.0, 0.0, -1.0])  # Where the nose points: x right, y down, z away from the camera.
    side = rotation @ np.array([1.0, 0.0, 0.0])
    return HeadPose(
        yaw=float(np.degrees(np.arctan2(-gaze[0], -gaze[2]))),
        pitch=float(np.degrees(np.arcsin(np.clip(-gaze[1], -1, 1)))),
        roll=float(np.degrees(np.arctan2(side[1], side[0]))),
    )


def _weak_perspective(seen: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Rotation ``(3, 3)`` and scale (pixels per mm) of the affine view that fits best.

    Perspective solvers that start from nothing find two pitches for a nearly frontal face, and pick one by the noise.
    An affine view has one solution; it makes the start.
    """
    face = _FACE_POINTS - _FACE_POINTS.mean(axis=0)
    affine = np.linalg.lstsq(face, seen - seen.mean(axis=0), rcond=None)[0].T  # (2, 3)
    left, stretch, right = np.linalg.svd(affine, full_matrices=False)
    if stretch[1] < 1e-6:
        raise ValueError("head pose: expected landmarks in two dimensions, found all of them on one line")
    rows = left @ right
    return np.vstack([rows, np.cross(rows[0], rows[1])]), float(stretch.mean())


def smile(landmarks: Landmarks) -> float:
    """How much a face smiles: the mouth's width plus the rise of its corners, in distances between the eyes.

    Width and eye distance shrink alike when the head turns. About 0.8 for a closed mouth, above 1.1 for a laugh.
    """
    right_eye, left_eye = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    across = left_eye - right_eye
    between = float(np.linalg.norm(across))
    x_axis = across / between
    y_axis = np.array([-x_axis[1], x_axis[0]])  # Down the face.
    corners = landmarks[[48, 54]]
    lips = landmarks[[51, 57]].mean(axis=0)
    width = float((corners[1] - corners[0]) @ x_axis)
    rise = float((lips - corners.mean(axis=0)) @ y_axis)
    return (width + rise) / between
