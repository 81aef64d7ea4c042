"""MediaPipe's face mesh of a portrait: 468 points with depth.

Kartynnik et al., "Real-time Facial Surface Geometry", CVPR workshops 2019. It finds, and judges nothing that the study
measures.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.detectors.package_files import mediapipe_network
from unripple.files.pictures import Rgb

#: ``float64 (468, 3)``.
Mesh = NDArray[np.float64]

_SIDE: Final = 192
# The network looks at a square around the face, larger than the box of its points by this.
_GROWN: Final = 1.5
# Where the face of a portrait framed as FFHQ's is: centre and half side of that square, in shares of the picture.
_CENTRE: Final = (0.5, 0.56)
_HALF: Final = 0.36
# Of what the network says of its square, a logit: below it there is no face.
_PRESENCE: Final = 0.0


class FaceMesh:
    """The network on the CPU, in float32. It loads when first used; not for sharing between threads."""

    def find(self, portrait: Rgb) -> Mesh | None:
        """The mesh of the face in a portrait, ``uint8 (H, H, 3)``, framed as FFHQ's are; None where it sees no face.

        ``float64 (468, 3)``: x and y in pixels, and the depth in the same unit, smaller = nearer. It looks twice, the
        second time at what it has found.
        """
        side = portrait.shape[0]
        centre, half = np.array(_CENTRE) * side, _HALF * side
        mesh = None
        for _ in range(2):
            mesh = self._look(portrait, centre, half)
            if mesh is None:
                return None
            low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
            centre, half = (low + high) / 2 + 0.5, float((high - low).max()) / 2 * _GROWN
        return mesh

    def _look(self, portrait: Rgb, centre: NDArray[np.float64], half: float) -> Mesh | None:
        """The mesh in a square: ``centre`` in continuous x and y, ``half`` its side, in pixels."""
        scale = _SIDE / (2 * half)
        # OpenCV's points are centres of pixels. It does not average pixels when it shrinks: blur before.
        move = (0.5 - (centre - half)) * scale - 0.5
        blurred = cv2.GaussianBlur(portrait, (0, 0), 0.5 / scale - 0.2) if scale < 1 else portrait
        square = cv2.warpAffine(
            blurred, np.array([[scale, 0, move[0]], [0, scale, move[1]]]), (_SIDE, _SIDE), borderMode=cv2.BORDER_REFLECT
        )
        points, presence = self._network(square[None].astype(np.float32) / 255).values()
        if presence.item() < _PRESENCE:
            return None
        mesh = np.asarray(points, np.float64).reshape(-1, 3) / scale
        mesh[:, :2] += centre - half - 0.5
        return mesh

    @cached_property
    def _network(self) -> Any:
        return mediapipe_network("face_landmark/face_landmark.tflite")
