"""Peak signal-to-noise ratio inside a region."""

from __future__ import annotations

import math

import numpy as np

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import Field, check_mask, check_pair, mean_over

#: Equal pictures have no noise; they are given this value so that a mean stays a number.
CEILING = 100.0


def squared_error(a: Rgb, b: Rgb) -> Field:
    """Squared difference of ``uint8 (H, W, 3)``, mean over the channels: ``float32 (H, W)``, grey levels squared."""
    check_pair(a, b)
    difference = a.astype(np.float32) - b.astype(np.float32)
    return np.asarray(np.einsum("yxc,yxc->yx", difference, difference) / 3, dtype=np.float32)


def decibels(mean_squared_error: float) -> float:
    """``10 log10(255^2 / mean squared error)``, at most 100; NaN of NaN."""
    if mean_squared_error == 0:
        return CEILING
    return min(10 * math.log10(255.0**2 / mean_squared_error), CEILING)  # in this order: min keeps a NaN in front


def psnr(a: Rgb, b: Rgb, mask: Mask) -> float:
    """PSNR over the mask and the three channels in dB, at most 100; NaN where the mask is empty.

    ``a``, ``b``: ``uint8 (H, W, 3)``; ``mask``: ``bool (H, W)``.
    """
    error = squared_error(a, b)
    check_mask(mask, a)
    return decibels(mean_over(error, mask))
