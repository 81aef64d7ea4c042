"""Geometry of masks: distance, growing, shrinking, soft edges.

Masks are ``bool (B, 1, H, W)``. What lies beyond the picture's border is unknown, neither inside nor outside: growing
and shrinking treat a mask that touches the border as if it went on.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

#: Widths in the study's settings are pixels of a picture of this height.
REFERENCE: Final = 512


def require_masks(**masks: Tensor) -> None:
    """Raise ``ValueError`` for a tensor that is no ``bool (B, 1, H, W)``, and for different sizes."""
    for name, mask in masks.items():
        if mask.dtype != torch.bool or mask.ndim != 4 or mask.shape[1] != 1:
            raise ValueError(f"{name}: expected bool (B, 1, H, W), found {mask.dtype} {tuple(mask.shape)}")
    if len({mask.shape for mask in masks.values()}) > 1:
        sizes = ", ".join(f"{name} {tuple(mask.shape)}" for name, mask in masks.items())
        raise ValueError(f"expected masks of one size, found {sizes}")


def scaled(width: float, picture: Tensor) -> float:
    """A width given in pixels at height 512, in pixels of this picture."""
    return width * picture.shape[-2] / REFERENCE


def distance_to(mask: Tensor) -> Tensor:
    """Euclidean distance of each pixel to the nearest True one, ``float32 (B, 1, H, W)``; infinite if there is none."""
    require_masks(mask=mask)
    out = np.full(mask.shape, np.inf, dtype=np.float32)
    for i, (inside,) in enumerate(mask.cpu().numpy()):
        if inside.any():
            out[i, 0] = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return torch.from_numpy(out).to(mask.device)


def dilate(mask: Tensor, radius: float) -> Tensor:
    """Grow by a disc of ``radius`` pixels."""
    return distance_to(mask) <= radius


def erode(mask: Tensor, radius: float) -> Tensor:
    """Shrink by a disc of ``radius`` pixels; not from the border of the picture."""
    return distance_to(~mask) > radius


def ramp(mask: Tensor, width: float, outside: Tensor | None = None) -> Tensor:
    """A soft edge *inside* the mask: ``float32``, 0 outside it, rising to 1 over ``width`` pixels.

    Args:
        outside: where the ramp starts from, if not everywhere outside the mask.
    """
    start = ~mask if outside is None else outside
    return torch.where(mask, (distance_to(start) / (width + 1)).clamp(max=1), 0.0)


def halo(mask: Tensor, width: float) -> Tensor:
    """A soft edge *outside* the mask: ``float32``, 1 inside it, falling to 0 over ``width`` pixels."""
    return (1 - distance_to(mask) / (width + 1)).clamp(min=0)
