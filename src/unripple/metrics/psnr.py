"""Peak signal-to-noise ratio inside a region."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import Field, check_mask, check_pair, mean_over

#: Equal pictures have no noise; they are given this value, in a table, too.
CEILING = 100.0


def squared_error(a: Rgb, b: Rgb) -> Field:
    """Squared difference of ``uint8 (H, W, 3)``, mean over the channels: ``float32 (H, W)``, grey levels squared."""
    check_pair(a, b)
    difference = a.astype(np.float32) - b.astype(np.float32)
    return np.asarray(np.einsum("yxc,yxc->yx", difference, difference) / 3, dtype=np.float32)


def decibels(mean_squared_error: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``10 log10(255^2 / mean squared error)``, at most 100; NaN of NaN. Average errors first, then take decibels."""
    with np.errstate(divide="ignore"):
        return np.minimum(10 * np.log10(255.0**2 / np.asarray(mean_squared_error, dtype=np.float64)), CEILING)


def squared_errors(found: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The mean squared errors behind decibels: `decibels` backwards, 0 from the ceiling on."""
    values = np.asarray(found, dtype=np.float64)
    return np.where(values >= CEILING, 0.0, 255.0**2 / 10 ** (values / 10))


def psnr(a: Rgb, b: Rgb, mask: Mask) -> float:
    """PSNR over the mask and the three channels in dB, at most 100; NaN where the mask is empty.

    ``a``, ``b``: ``uint8 (H, W, 3)``; ``mask``: ``bool (H, W)``.
    """
    error = squared_error(a, b)
    check_mask(mask, a)
    return float(decibels(mean_over(error, mask)))
