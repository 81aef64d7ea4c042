"""Does the edge of a pasted or painted region show?"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import Field, check_mask, check_rgb, gradients, mean_over, scaled
from unripple.metrics.regions import dilate

#: Half width of the strip along an edge, and how far the strips of comparison lie off it; pixels at 512.
HALF_WIDTH = 1.5
SHIFTS = (8.0, 12.0)
#: Added to both means, in grey levels per pixel: where nothing happens on either side the seam is 1, not 0/0.
FLOOR = 0.25


def signed_distance(mask: Mask) -> Field:
    """Pixels to the mask's edge, ``float32 (H, W)``: negative inside, zero on the edge between two pixels."""
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(mask, 0.5 - inside, outside - 0.5).astype(np.float32)


def seam(rgb: Rgb, mask: Mask, away_from: Mask) -> float:
    """Mean gradient across the mask's edge, relative to that across the edge shifted in and out.

    The gradient is taken along the edge's normal, so a texture that runs along the edge does not count; it is
    the largest of the three channels. 1: the edge is no sharper than its surroundings; a visible cut is above 1.

    ``rgb``: ``uint8 (H, W, 3)``; ``mask``: ``bool (H, W)``, the region that was pasted or painted; ``away_from``:
    ``bool (H, W)``, the edited person, whose outline is a true edge and is left out with a margin.
    NaN where nothing of the edge remains to be judged.
    """
    check_rgb("picture", rgb)
    check_mask(mask, rgb)
    check_mask(away_from, rgb)
    if mask.all() or not mask.any():
        return float("nan")
    half = max(scaled(HALF_WIDTH, rgb.shape), 1.0)
    shifts = [scaled(shift, rgb.shape) for shift in SHIFTS]
    distance = signed_distance(mask)
    down, right = np.gradient(distance)
    normal = np.stack((right, down), axis=-1)  # (H, W, 2), x then y
    across = np.abs(np.einsum("yxcd,yxd->yxc", gradients(rgb, 0.5), normal)).max(axis=2)

    allowed = ~dilate(away_from, shifts[-1] + half)
    edge = allowed & (np.abs(distance) <= half)
    beside = np.zeros_like(edge)
    for shift in shifts:
        beside |= allowed & (np.abs(np.abs(distance) - shift) <= half)
    if not edge.any() or not beside.any():
        return float("nan")
    return (mean_over(across, edge) + FLOOR) / (mean_over(across, beside) + FLOOR)
