"""Geometry of masks: distance, growing, shrinking, soft edges.

Masks are ``bool (H, W)``. What lies beyond the picture's border is unknown, neither inside nor outside: growing and
shrinking treat a mask that touches the border as if it went on.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.files.pictures import Mask

Map = NDArray[np.float32]

#: Widths in the study's settings are pixels of a picture of this height.
REFERENCE: Final = 512


def require_masks(**masks: NDArray[Any]) -> None:
    """Raise ``ValueError`` for an array that is no ``bool (H, W)``, and for different sizes."""
    for name, mask in masks.items():
        if mask.dtype != np.bool_ or mask.ndim != 2:
            raise ValueError(f"{name}: expected bool (H, W), found {mask.dtype} {mask.shape}")
    if len({mask.shape for mask in masks.values()}) > 1:
        sizes = ", ".join(f"{name} {mask.shape}" for name, mask in masks.items())
        raise ValueError(f"expected masks of one size, found {sizes}")


def scaled(width: float, picture: NDArray[Any]) -> float:
    """A width given in pixels at height 512, in pixels of this picture ``(H, W, …)``."""
    return width * picture.shape[0] / REFERENCE


def distance_to(mask: Mask) -> Map:
    """Euclidean distance of each pixel to the nearest True one, ``float32 (H, W)``; infinite if there is none."""
    require_masks(mask=mask)
    if not mask.any():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, dtype=np.float32)


def dilate(mask: Mask, radius: float) -> Mask:
    """Grow by a disc of ``radius`` pixels."""
    return np.asarray(distance_to(mask) <= radius)


def erode(mask: Mask, radius: float) -> Mask:
    """Shrink by a disc of ``radius`` pixels; not from the border of the picture."""
    return np.asarray(distance_to(~mask) > radius)


def ramp(mask: Mask, width: float, outside: Mask | None = None) -> Map:
    """A soft edge *inside* the mask: ``float32``, 0 outside it, rising to 1 over ``width`` pixels.

    Args:
        outside: where the ramp starts from, if not everywhere outside the mask.
    """
    start = ~mask if outside is None else outside
    return np.where(mask, np.minimum(distance_to(start) / np.float32(width + 1), 1), 0).astype(np.float32)


def halo(mask: Mask, width: float) -> Map:
    """A soft edge *outside* the mask: ``float32``, 1 inside it, falling to 0 over ``width`` pixels."""
    return np.maximum(1 - distance_to(mask) / np.float32(width + 1), 0).astype(np.float32)
