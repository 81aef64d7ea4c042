"""How much of one picture still shows in another: ripple energy."""

from __future__ import annotations

import numpy as np

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import Field, gradients, scaled

#: Scale of the gradients, in pixels at 512: wide enough for an after-image that moved by a pixel or two.
SIGMA = 2.0
#: Fewer pixels than this (at 512) hold too few independent gradients for a correlation to mean something.
LEAST_AREA = 256
#: Gradient energy per pixel, in squared grey levels, below which the original has nothing that could show.
LEAST_ENERGY = 1e-3


def ripple_gradients(rgb: Rgb) -> Field:
    """Gradients at the scale of ripples, ``float32 (H, W, 3, 2)``: compute once for a picture that is used often."""
    return gradients(rgb, scaled(SIGMA, rgb.shape))


def gradient_correlation(original: Field, other: Field, mask: Mask) -> float:
    """Correlation of two gradient fields with its gain limited to 1, over a mask.

    With ``<.,.>`` the sum over the mask's pixels, the channels and x, y::

        c = <g_original, g_other> / (|g_original| max(|g_original|, |g_other|))

    that is, the normalised cross-correlation times ``min(1, |g_other| / |g_original|)``. In [-1, 1]: a copy 1, a copy
    at contrast k <= 1 gives k and above 1 gives 1, a flat fill 0, a negative -1, an unrelated texture about 0,
    a copy under an unrelated texture of r times its gradient length ``1 / sqrt(1 + r^2)``.

    NaN where the mask is smaller than ``LEAST_AREA`` or the original is flat inside it.
    """
    area = int(mask.sum())
    if area < LEAST_AREA * (scaled(1, mask.shape) ** 2) or area == 0:
        return float("nan")
    g, h = original[mask].astype(np.float64), other[mask].astype(np.float64)
    own, others = np.sqrt(np.sum(g * g)), np.sqrt(np.sum(h * h))
    if own**2 < LEAST_ENERGY * area:
        return float("nan")
    return float(np.sum(g * h) / (own * max(own, others)))


def ripple_energy(original: Field, edited: Field, band: Mask) -> float:
    """The original person that still shows in the uncovered band: positive part of ``gradient_correlation``, [0, 1].

    ``original``: `ripple_gradients` of the photo, ``edited``: of any method's edit; ``band``: ``bool (H, W)``,
    ``Regions.band_core``. The photo holds only the person inside the band, so a background filled in faithfully,
    however textured, scores about 0. NaN where the band is too small or the photo is flat in it.
    """
    return positive_part(gradient_correlation(original, edited, band))


def positive_part(value: float) -> float:
    """``max(value, 0)``, NaN kept: an after-image has the sign of its original, the rest is chance."""
    return value if np.isnan(value) else max(value, 0.0)
