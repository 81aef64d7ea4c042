"""Mean absolute difference inside a region."""

from __future__ import annotations

import cv2

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import check_mask, check_pair


def mean_difference(a: Rgb, b: Rgb, mask: Mask) -> float:
    """Mean ``|a - b|`` over the mask and the channels, in grey levels (0 to 255); NaN where the mask is empty.

    Used twice: inside the eroded edited person against the baseline (no harm: 0 means untouched), and outside both
    persons against the photo (background fidelity).
    """
    check_pair(a, b)
    check_mask(mask, a)
    if not mask.any():
        return float("nan")
    return float(cv2.absdiff(a, b)[mask].mean())
