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


def projection(original: Field, other: Field, mask: Mask, known: Field | None = None) -> float:
    """Contrast at which the original shows in another picture: least squares over the gradients in a mask.

    With ``<.,.>`` the sum over the mask's pixels, the channels and x, y, the ``c`` that minimises
    ``|g_other - c g_original|``::

        c = <g_original, g_other> / |g_original|^2

    A copy gives 1, one at contrast k gives k, a flat fill 0, a negative -1; what has nothing in common with the
    original, noise or another texture, adds about 0, however strong, and so hides nothing.

    ``known``: gradients of what may rightly be there, fitted beside the original (``|g_other - c g_original - d
    g_known|``), so that what the two have in common counts as known: ``known`` itself gives 0, and
    ``known + k (original - known)`` gives k, whether or not they resemble each other by chance.

    NaN where the mask is smaller than ``LEAST_AREA``, the original is flat inside it or a copy of ``known``.
    """
    area = int(mask.sum())
    if area < LEAST_AREA * (scaled(1, mask.shape) ** 2) or area == 0:
        return float("nan")
    g, h = original[mask].astype(np.float64), other[mask].astype(np.float64)
    own, common = np.sum(g * g), np.sum(g * h)
    if own < LEAST_ENERGY * area:
        return float("nan")
    if known is not None:
        k = known[mask].astype(np.float64)
        energy, alike = np.sum(k * k), np.sum(g * k)
        if energy >= LEAST_ENERGY * area:
            own, common = own - alike**2 / energy, common - alike * np.sum(k * h) / energy
            if own < LEAST_ENERGY * area:
                return float("nan")
    return float(common / own)


def ripple_energy(original: Field, edited: Field, band: Mask, truth: Field | None = None) -> float:
    """The original person that still shows in the uncovered band: `projection`, limited to [0, 1].

    ``original``: `ripple_gradients` of the photo, ``edited``: of any method's edit; ``band``: ``bool (H, W)``,
    ``Regions.band_core``; ``truth``: of the true edit, where it is known. It has 0: its plate may resemble the old
    person by chance, and the turned head may bring hair there, but neither is a ripple. Where no truth is known, both
    count. NaN where the band is too small or the photo is flat in it.
    """
    return limited(projection(original, edited, band, truth))


def limited(value: float) -> float:
    """To [0, 1], NaN kept: an after-image has the sign of its original, and no more than its contrast."""
    return value if np.isnan(value) else min(max(value, 0.0), 1.0)
