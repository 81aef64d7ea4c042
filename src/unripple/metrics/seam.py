"""Does the edge of a pasted or painted region show?"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import Field, check_mask, check_pair, gradients, scaled

#: Half width of the strip along an edge; pixels at 512.
HALF_WIDTH = 1.5
#: Added to both means, in grey levels per pixel: where nothing happens in either picture the seam is 1, not 0/0.
FLOOR = 0.25


def signed_distance(mask: Mask) -> Field:
    """Pixels to the mask's edge, ``float32 (H, W)``: negative inside, zero on the edge between two pixels."""
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(mask, 0.5 - inside, outside - 0.5).astype(np.float32)


def seam(rgb: Rgb, reference: Rgb, mask: Mask, where: Mask) -> float:
    """Gradient across the mask's edge, relative to the reference's at the same pixels.

    With ``|d_n P|`` the gradient of a picture along the edge's normal, the largest of the three channels, and means
    over the pixels within ``HALF_WIDTH`` of the edge that are also in ``where``::

        (mean |d_n rgb| + FLOOR) / (mean |d_n reference| + FLOOR)

    1: as sharp as what belongs there; a visible cut is above, a smear below 1. A texture that runs along the edge does
    not count, and nothing off the edge does.

    ``rgb``, ``reference``: ``uint8 (H, W, 3)``, the picture that is judged and what is right at the edge; ``mask``,
    ``where``: ``bool (H, W)``, the region that was pasted or painted, and where the reference is known.
    NaN where nothing of the edge remains to be judged.
    """
    check_pair(rgb, reference)
    check_mask(mask, rgb)
    check_mask(where, rgb)
    if mask.all() or not mask.any():
        return float("nan")
    distance = signed_distance(mask)
    edge = where & (np.abs(distance) <= max(scaled(HALF_WIDTH, rgb.shape), 1.0))
    if not edge.any():
        return float("nan")
    down, right = np.gradient(distance)
    normal = np.stack((right, down), axis=-1)[edge]  # (N, 2), x then y
    return (_across(rgb, normal, edge) + FLOOR) / (_across(reference, normal, edge) + FLOOR)


def _across(rgb: Rgb, normal: Field, edge: Mask) -> float:
    """Mean gradient at the edge's ``N`` pixels along their ``normal (N, 2)``, in grey levels per pixel."""
    along = np.einsum("ncd,nd->nc", gradients(rgb, 0.5)[edge], normal)
    return float(np.abs(along).max(axis=1).mean(dtype=np.float64))
