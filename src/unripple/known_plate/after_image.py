"""Where an after-image shows in an edit whose true picture is known.

HFGI adds to its low-rate edit what the code lost of the photo: the distortion map, photo minus low-rate inversion,
moved by ADA to where the edit wants it. What ADA leaves where it lay is the after-image.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.files.pictures import Mask, Rgb
from unripple.stages.masks import scaled

_Field = NDArray[np.float32]

#: Window of the least squares: a Gaussian of this standard deviation, in pixels at height 512.
WINDOW: Final = 8.0
#: An after-image has at least this share of the distortion map as it lay. From about one half on, the low-rate edit is
#: nearer to the truth inside the person than HFGI's.
SHARE: Final = 0.5
#: It shows from this contrast on, in grey levels,
VISIBLE: Final = 6.0
#: where photo and truth, each smoothed by this many pixels at height 512, differ by as many grey levels.
DIFFERENT: Final = 16.0
SMOOTHED: Final = 2.0
#: Grey levels below which nothing is fitted: rounding, and the noise of the plates.
NOISE: Final = 2.0


@dataclass(frozen=True)
class KnownEdit:
    """An edit and all that is known about it; each ``uint8 (H, W, 3)`` RGB of one size.

    ``photo``; ``inversion``: its low-rate one; ``edit``: HFGI's; ``low_rate_edit``; ``truth``: the true edit, that is
    the turned person before the same plate. Raises ``ValueError`` for other pictures.
    """

    photo: Rgb
    inversion: Rgb
    edit: Rgb
    low_rate_edit: Rgb
    truth: Rgb

    def __post_init__(self) -> None:
        for one in fields(self):
            rgb = getattr(self, one.name)
            if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.shape != self.photo.shape:
                raise ValueError(
                    f"{one.name}: expected uint8 (H, W, 3) of the photo's size {self.photo.shape}, found {rgb.dtype}"
                    f" {rgb.shape}"
                )


def left_behind(known: KnownEdit) -> tuple[_Field, _Field]:
    """How much of the distortion map lies in the edit as it lay in the photo: share and contrast, ``float32 (H, W)``.

    Around each pixel, colours summed, ``<., .>`` weighted by the window, the share is the ``a`` that minimises ``|put -
    a lay - b wanted|``, where ``put`` is what HFGI added (edit - low-rate edit), ``lay`` the distortion map (photo -
    inversion), and ``wanted`` what the truth asks for (truth - low-rate edit)::

        new = lay - wanted <lay, wanted> / |wanted|^2        a = <put, new> / |new|^2

    A distortion map pasted where it lay at strength s has s. 0 are: an edit that adds what is wanted, at any strength;
    one that adds nothing, whatever the low-rate edit looks like; detail of the photo that belongs where it lies. The
    contrast is that of ``a new``, in grey levels.
    """
    lay, put, wanted = (
        one.astype(np.float32) - other
        for one, other in (
            (known.photo, known.inversion),
            (known.edit, known.low_rate_edit),
            (known.truth, known.low_rate_edit),
        )
    )
    sigma = scaled(WINDOW, known.photo)
    floor = 3 * NOISE**2
    common = _product(lay, wanted, sigma) / (_product(wanted, wanted, sigma) + floor)
    # |new|^2 >= 0 but for rounding, and but for the floor.
    new = np.maximum(_product(lay, lay, sigma) - common * _product(lay, wanted, sigma), 0)
    share = (_product(put, lay, sigma) - common * _product(put, wanted, sigma)) / (new + floor)
    return np.asarray(share, np.float32), np.asarray(share * np.sqrt(new / 3), np.float32)


def after_image(known: KnownEdit) -> Mask:
    """Where the old person shows through an edit, in the band and inside the new person alike: ``bool (H, W)``.

    Photo and truth differ there (`DIFFERENT`), and the edit holds `SHARE` of the distortion map as it lay, at a
    contrast of `VISIBLE`; see `left_behind`.

    What learns from it does not learn from the study's judge. `metrics.ripple_energy` correlates gradients of the whole
    edit with those of the photo, one number over the band of two mattes; this asks pixel by pixel, of grey levels and
    not of gradients, what the consultation added to its own low-rate edit, and knows neither band nor matte.
    """
    share, contrast = left_behind(known)
    moved = known.photo.astype(np.float32) - known.truth
    differs = np.sqrt(_product(moved, moved, scaled(SMOOTHED, known.photo)) / 3)
    return np.asarray((share >= SHARE) & (contrast >= VISIBLE) & (differs >= DIFFERENT))


def _product(a: NDArray[np.float32], b: NDArray[np.float32], sigma: float) -> _Field:
    """Inner product of two pictures ``(H, W, 3)`` around each pixel: ``float32 (H, W)``."""
    weighted = cv2.GaussianBlur((a * b).sum(axis=2), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(weighted, dtype=np.float32)
