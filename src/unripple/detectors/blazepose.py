"""The person in a portrait, found by a network that had no part in making any mask: BlazePose's segmentation.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020, and its GHUM version of 2021, whose
landmark network also marks the person. Its file ships in the package ``mediapipe``, which is not imported. The masks of
the study come from a parser that learned from MediaPipe's selfie segmentation: another network, trained apart.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.detectors.package_files import mediapipe_network
from unripple.files.pictures import Matte, Rgb

# The network expects a whole body in a square of this side, upright and in the middle.
_SIDE: Final = 256
# So a portrait is put at half that size near the top, where a standing person's head would be. On 29 known-plate
# portraits and their true edits this place gave the best overlap with the true mattes (mean .90).
_PORTRAIT: Final = 128
_LEFT, _TOP = 64, 26
# The mask is the network's third output, (1, 256, 256, 1), a logit.
_MASK: Final = 2


class PersonMeter:
    """BlazePose's mask on the CPU, in float32. The network loads when first used; not for sharing between threads."""

    def measure(self, rgb: Rgb) -> Matte:
        """How surely each pixel of a portrait, ``uint8 (H, W, 3)``, is a person: ``float32 (H, W) in [0, 1]``.

        The mean of the answers for the picture and for its mirror image. Portraits are framed as FFHQ's are.
        """
        small = cv2.resize(rgb, (_PORTRAIT, _PORTRAIT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        found = np.mean([self._answer(small), self._answer(small[:, ::-1])[:, ::-1]], axis=0)
        matte = cv2.resize(found, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(matte, dtype=np.float32)

    def _answer(self, small: NDArray[Any]) -> Matte:
        canvas = np.zeros((1, _SIDE, _SIDE, 3), np.float32)
        place = (slice(_TOP, _TOP + _PORTRAIT), slice(_LEFT, _LEFT + _PORTRAIT))
        canvas[0][place] = small
        logits = self._network(canvas)[_MASK][0, ..., 0][place]
        return np.asarray(0.5 + 0.5 * np.tanh(logits / 2), dtype=np.float32)  # the logistic function, without overflow

    @cached_property
    def _network(self) -> Any:
        return mediapipe_network("pose_landmark/pose_landmark_full.tflite")
