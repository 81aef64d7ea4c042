"""How much of a picture is the photo itself."""

from __future__ import annotations

import cv2
import numpy as np

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import check_mask, check_pair

#: Grey levels by which a copied pixel may differ, in any channel: what rounding does to it.
ROUNDING = 1


def copied(edited: Rgb, photo: Rgb, mask: Mask) -> float:
    """Share of the mask's pixels that are the photo's, each channel within a grey level; NaN where the mask is empty.

    ``edited``, ``photo``: ``uint8 (H, W, 3)``; ``mask``: ``bool (H, W)``. Copied pixels of a known-plate picture's
    background are the truth's by construction: a distance to the truth says nothing there of what a method made.
    """
    check_pair(edited, photo)
    check_mask(mask, photo)
    if not mask.any():
        return float("nan")
    difference = np.maximum.reduce(cv2.split(cv2.absdiff(edited, photo)))
    return float((difference[mask] <= ROUNDING).mean())
