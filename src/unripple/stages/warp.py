"""Fields of motion: moving pictures along them, and joining one to the next.

A *backward motion* is ``float32 (H, W, 2)``, x then y in pixels: the pixel p of the picture after the motion shows what
was at ``p + motion[p]`` before it. Pictures are ``(H, W)`` or ``(H, W, C)`` of any range; beyond their border they go
on as their outermost pixels.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.stages.masks import Map

#: ``float32 (H, W, 2)``.
Motion = NDArray[np.float32]


def no_motion(shape: tuple[int, ...]) -> Motion:
    """Every pixel from where it is; ``shape``: of the picture ``(H, W, …)``."""
    return np.zeros((*shape[:2], 2), np.float32)


def warped(picture: NDArray[Any], motion: Motion, *, smooth: bool = False) -> NDArray[Any]:
    """The picture after the motion, of its shape and dtype.

    ``smooth``: by linear interpolation, which stays within the picture's range, for masks, weights and motions; else by
    bicubic, which keeps a picture sharp. Raises ``ValueError`` where the sizes differ.
    """
    if picture.shape[:2] != motion.shape[:2] or motion.ndim != 3 or motion.shape[2] != 2:
        raise ValueError(f"expected a motion {(*picture.shape[:2], 2)} for {picture.shape}, found {motion.shape}")
    y, x = np.indices(picture.shape[:2], dtype=np.float32)
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_CUBIC
    return cv2.remap(picture, x + motion[..., 0], y + motion[..., 1], how, borderMode=cv2.BORDER_REPLICATE)


def then(first: Motion, second: Motion) -> Motion:
    """The backward motion of two motions, one after the other: ``warped(x, then(a, b)) = warped(warped(x, a), b)``."""
    return np.asarray(second + warped(first, second, smooth=True), np.float32)


def resized(motion: Motion, size: int) -> Motion:
    """A motion ``(H, H, 2)`` for pictures of another size, ``(size, size, 2)``, in their pixels."""
    if motion.shape[0] == size:
        return motion
    how = cv2.INTER_AREA if size < motion.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(motion, (size, size), interpolation=how) * np.float32(size / motion.shape[0]))


def there_and_back(backward: Motion, forward: Motion) -> Map:
    """How far from itself a pixel ends that goes along one motion and returns by the other: ``float32 (H, W)``, pixels.

    ``forward``: pixel of the picture before -> pixel of the picture after, relative as ``backward`` is.
    """
    return np.asarray(np.linalg.norm(then(forward, backward), axis=-1), np.float32)


def spread(values: NDArray[np.float32], weight: Map) -> NDArray[np.float32]:
    """Values where their weight is 1; where it is less, mixed with what the nearest known ones say, ever smoother.

    ``values: float32 (H, W, C)``, ``weight: float32 (H, W)`` in [0, 1] -> ``(H, W, C)``; zeros where all weights are 0.
    The push-pull algorithm of Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    pyramid = [(values * weight[..., None], weight)]
    while min(pyramid[-1][1].shape) > 1:
        known, mass = pyramid[-1]
        size = max(mass.shape[1] // 2, 1), max(mass.shape[0] // 2, 1)
        pyramid.append((_scaled(known, size, cv2.INTER_AREA), _scaled(mass, size, cv2.INTER_AREA)))
    known, mass = pyramid[-1]
    found = np.asarray(known / np.maximum(mass, 1e-6)[..., None], np.float32)
    for known, mass in reversed(pyramid[:-1]):
        coarse = _scaled(found, (mass.shape[1], mass.shape[0]), cv2.INTER_LINEAR)
        found = np.asarray(known + coarse * (1 - mass[..., None]), np.float32)
    return np.asarray(found, np.float32)


def _scaled(values: NDArray[np.float32], size: tuple[int, int], how: int) -> NDArray[np.float32]:
    """At another size, (width, height). OpenCV drops a last axis of length 1."""
    return np.asarray(cv2.resize(values, size, interpolation=how), np.float32).reshape(
        size[1], size[0], *values.shape[2:]
    )
