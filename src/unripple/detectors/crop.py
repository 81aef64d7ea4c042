"""FFHQ's crop of a face (Karras, Laine and Aila, CVPR 2019, appendix A): a square that follows eyes and mouth."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from unripple.detectors.dlib_faces import Landmarks

Transform = NDArray[np.float64]

#: A crop whose side is shorter than this in the photo has no detail that the encoders (256 px) could keep.
MIN_CROP: Final = 128


def ffhq_transform(landmarks: Landmarks, size: int) -> Transform:
    """The similarity that takes points of the portrait to points of the photo, ``float64 (3, 3)``."""
    points = landmarks + 0.5  # Landmarks name pixels, and mean their centres.
    right_eye, left_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    eyes, mouth = (right_eye + left_eye) / 2, points[[48, 54]].mean(axis=0)
    eye_to_eye, eye_to_mouth = left_eye - right_eye, mouth - eyes
    # Across the face, the mean of what the eyes and (turned by a right angle) the way to the mouth say.
    across = eye_to_eye + np.array([eye_to_mouth[1], -eye_to_mouth[0]])
    across /= np.hypot(*across)
    across *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)  # Half a side of the square.
    down = np.array([-across[1], across[0]])
    corner = eyes + 0.1 * eye_to_mouth - across - down
    return np.array(
        [
            [2 * across[0] / size, 2 * down[0] / size, corner[0]],
            [2 * across[1] / size, 2 * down[1] / size, corner[1]],
            [0.0, 0.0, 1.0],
        ]
    )


def scale_of(transform: Transform) -> float:
    """Photo pixels per portrait pixel."""
    return float(np.sqrt(abs(np.linalg.det(transform[:2, :2]))))


def crop_side(landmarks: Landmarks) -> float:
    """The side of a face's square, in pixels of the photo."""
    return scale_of(ffhq_transform(landmarks, 1))


def roll(landmarks: Landmarks) -> float:
    """By how many degrees a face's square is turned, clockwise as seen; in [-180, 180]."""
    across = ffhq_transform(landmarks, 1)[:2, 0]
    return float(np.degrees(np.arctan2(across[1], across[0])))
