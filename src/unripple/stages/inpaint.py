"""Filling masked pixels: a careful wrapper around any inpainter, and Telea's method as the floor.

Pictures are rgb ``float32 (H, W, 3)`` in [-1, 1], masks ``bool (H, W)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from unripple.files.pictures import Mask, levels, signed
from unripple.stages.composite import Picture, mixed
from unripple.stages.masks import ramp, require_masks, scaled

#: A picture, the mask of its hole and the mask of what must not be seen -> the picture, filled inside the hole. What is
#: hidden may be anything afterwards; what is hidden of the hole nobody will look at, so it need not be filled.
Inpainter = Callable[[Picture, Mask, Mask], Picture]

#: Networks with three strides of two take sides that are multiples of this.
MULTIPLE: Final = 8
#: Where the mask touches a side, this share of the picture is mirrored beyond it.
MIRROR: Final = 1 / 8
#: Telea's neighbourhood, in pixels at height 512.
TELEA_RADIUS: Final = 5.0


def inpaint(rgb: Picture, mask: Mask, model: Inpainter, feather: float = 2, hidden: Mask | None = None) -> Picture:
    """Fill the masked pixels with ``model``; all others stay bit-equal.

    A hole at the border has context on one side only, and is filled badly: there the picture is mirrored outwards
    with its mask, and cropped again.

    Args:
        rgb: the picture.
        mask: True = fill.
        model: the inpainter.
        feather: width of the soft edge inside the mask, in pixels at height 512.
        hidden: what the model must not see either, though it stays as it is: a person beside the hole, whose colours
            would be carried into it.

    Raises:
        ValueError: shapes do not fit, or a mask leaves nothing to fill from.
    """
    require_masks(mask=mask, **({} if hidden is None else {"hidden": hidden}))
    if rgb.shape != (*mask.shape, 3):
        raise ValueError(f"rgb: expected (H, W, 3) like mask {mask.shape}, found {rgb.shape}")
    if not mask.any():
        return rgb
    filled = _fill(rgb, mask, np.zeros_like(mask) if hidden is None else hidden, model)
    weight = ramp(mask, scaled(feather, rgb))
    return np.where((weight > 0)[..., None], mixed(rgb, filled, weight), rgb)


def _fill(rgb: Picture, hole: Mask, hidden: Mask, model: Inpainter) -> Picture:
    unknown = hole | hidden
    if unknown.all():
        raise ValueError("mask: covers the whole picture, so there is nothing to fill from")
    height, width = unknown.shape
    rows = _margins(height, bool(unknown[0].any()), bool(unknown[-1].any()))
    columns = _margins(width, bool(unknown[:, 0].any()), bool(unknown[:, -1].any()))
    inner = np.s_[rows[0] : rows[0] + height, columns[0] : columns[0] + width]
    unseen = np.pad(unknown, (rows, columns), mode="reflect")  # of the hole its mirror image, which is cut off again
    unseen[inner] = hidden & ~hole
    filled = model(
        np.pad(rgb, (rows, columns, (0, 0)), mode="reflect"), np.pad(hole, (rows, columns), mode="reflect"), unseen
    )
    return np.clip(filled[inner], -1, 1).astype(np.float32)


def _margins(extent: int, touches_start: bool, touches_end: bool) -> tuple[int, int]:
    """Before and after: `MIRROR` where the mask touches, then up to the next `MULTIPLE`."""
    mirror = round(extent * MIRROR)
    start, end = mirror * touches_start, mirror * touches_end
    return start, end + -(start + extent + end) % MULTIPLE


def telea(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
    """Telea's fast marching inpainting (2004), by OpenCV in 8 bits. An `Inpainter` without weights."""
    radius = scaled(TELEA_RADIUS, rgb)
    unknown = hole | hidden
    filled = cv2.inpaint(levels(rgb), unknown.astype(np.uint8), radius, cv2.INPAINT_TELEA)
    return np.where(unknown[..., None], signed(np.asarray(filled, dtype=np.uint8)), rgb)
