"""Does the edge of a pasted or painted region show?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import Field, check_mask, check_rgb, gradients, scaled

#: Half width of the strip along an edge; pixels at 512.
HALF_WIDTH = 1.5
#: Added to both means, in grey levels per pixel: where nothing happens in either picture the seam is 1, not 0/0.
FLOOR = 0.25


def signed_distance(mask: Mask) -> Field:
    """Pixels to the mask's edge, ``float32 (H, W)``: negative inside, zero on the edge between two pixels."""
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(mask, 0.5 - inside, outside - 0.5).astype(np.float32)


@dataclass(frozen=True)
class Edge:
    """The pixels of a mask's edge at which pictures are judged.

    ``pixels: bool (H, W)``, N of them; ``normal: float32 (N, 2)``, x then y; ``expected``: the reference's mean
    gradient across the edge, in grey levels per pixel.
    """

    pixels: Mask
    normal: Field
    expected: float


def edge(reference: Rgb, mask: Mask, where: Mask) -> Edge | None:
    """The edge of a mask, once for all pictures that are judged there; None where nothing of it can be judged.

    ``reference``: ``uint8 (H, W, 3)``, the picture that is right at the edge; ``mask``, ``where``: ``bool (H, W)``, the
    region that was pasted or painted, and where the reference is known.
    Raises ``ValueError`` where types or sizes differ.
    """
    check_rgb("reference", reference)
    check_mask(mask, reference)
    check_mask(where, reference)
    if mask.all() or not mask.any():
        return None
    distance = signed_distance(mask)
    pixels = where & (np.abs(distance) <= max(scaled(HALF_WIDTH, mask.shape), 1.0))
    if not pixels.any():
        return None
    down, right = np.gradient(distance)
    normal = np.stack((right, down), axis=-1)[pixels]
    return Edge(pixels, normal, _across(reference, pixels, normal))


def seam(rgb: Rgb, at: Edge | None) -> float:
    """Gradient across the edge, relative to the reference's at the same pixels.

    With ``|d_n P|`` the gradient of a picture along the edge's normal, the largest of the three channels, and means
    over the pixels within ``HALF_WIDTH`` of the edge at which the reference is known::

        (mean |d_n rgb| + FLOOR) / (mean |d_n reference| + FLOOR)

    1: as sharp as what belongs there; a visible cut is above, a smear below 1. A texture that runs along the edge does
    not count, and nothing off the edge does. ``rgb``: ``uint8 (H, W, 3)``; NaN where there is no edge.
    """
    if at is None:
        return float("nan")
    check_rgb("picture", rgb)
    check_mask(at.pixels, rgb)
    return (_across(rgb, at.pixels, at.normal) + FLOOR) / (at.expected + FLOOR)


def _across(rgb: Rgb, pixels: Mask, normal: Field) -> float:
    """Mean gradient at these pixels along their normals, in grey levels per pixel."""
    along = np.einsum("ncd,nd->nc", gradients(rgb, 0.5)[pixels], normal)
    return float(np.abs(along).max(axis=1).mean(dtype=np.float64))
