"""Filling masked pixels: a careful wrapper around any inpainting network, and Telea's method as the floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import torch
from torch import Tensor
from torch.nn import functional as F

from unripple.files.tensors import to_tensor, to_uint8
from unripple.stages.masks import ramp, require_masks, scaled

#: ``(rgb float32 (1, 3, H, W) in [-1, 1], mask bool (1, 1, H, W))`` -> rgb of the same shape, filled inside the mask.
Inpainter = Callable[[Tensor, Tensor], Tensor]

#: Networks with three strides of two take sides that are multiples of this.
MULTIPLE: Final = 8
#: Where the mask touches a side, this share of the picture is mirrored beyond it.
MIRROR: Final = 1 / 8
#: Telea's neighbourhood, in pixels at height 512.
TELEA_RADIUS: Final = 5.0


def inpaint(rgb: Tensor, mask: Tensor, model: Inpainter, feather: float = 2, hidden: Tensor | None = None) -> Tensor:
    """Fill the masked pixels with ``model``; all others stay bit-equal.

    A hole at the border has context on one side only, and networks fill it badly: there the picture is mirrored
    outwards with its mask, and cropped again. Each picture goes through the network by itself, so the result does
    not depend on its batch.

    Args:
        rgb: ``float32 (B, 3, H, W)`` in [-1, 1].
        mask: ``bool (B, 1, H, W)``, True = fill.
        model: the inpainter.
        feather: width of the soft edge inside the mask, in pixels at height 512.
        hidden: ``bool (B, 1, H, W)``, what the model must not see either, though it stays as it is: a person beside
            the hole, whose colours would be carried into it.

    Raises:
        ValueError: shapes do not fit, or a mask leaves nothing to fill from.
    """
    require_masks(mask=mask, **({} if hidden is None else {"hidden": hidden}))
    if rgb.shape != (len(mask), 3, *mask.shape[2:]):
        raise ValueError(f"rgb: expected (B, 3, H, W) like mask {tuple(mask.shape)}, found {tuple(rgb.shape)}")
    weight = ramp(mask, scaled(feather, rgb))
    hole = mask if hidden is None else mask | hidden
    filled = [
        _fill(rgb[i : i + 1], hole[i : i + 1], model) if mask[i].any() else rgb[i : i + 1] for i in range(len(rgb))
    ]
    return torch.where(weight > 0, torch.lerp(rgb, torch.cat(filled), weight), rgb)


def _fill(rgb: Tensor, mask: Tensor, model: Inpainter) -> Tensor:
    if mask.all():
        raise ValueError("mask: covers the whole picture, so there is nothing to fill from")
    height, width = mask.shape[-2:]
    left, right, top, bottom = _mirrored_margins(mask[0, 0])
    margins = (left, right, top, bottom)
    padded_mask = F.pad(mask.to(torch.float32), margins, mode="reflect") > 0
    filled = model(F.pad(rgb, margins, mode="reflect"), padded_mask)
    return filled[..., top : top + height, left : left + width].clamp(-1, 1).to(rgb.dtype)


def _mirrored_margins(mask: Tensor) -> tuple[int, int, int, int]:
    """Left, right, top, bottom: `MIRROR` where the mask touches, then up to the next `MULTIPLE`."""
    horizontal = _margins(mask.shape[1], bool(mask[:, 0].any()), bool(mask[:, -1].any()))
    vertical = _margins(mask.shape[0], bool(mask[0].any()), bool(mask[-1].any()))
    return *horizontal, *vertical


def _margins(extent: int, touches_start: bool, touches_end: bool) -> tuple[int, int]:
    mirror = round(extent * MIRROR)
    start, end = mirror * touches_start, mirror * touches_end
    return start, end + -(start + extent + end) % MULTIPLE


def at_half_size(model: Inpainter) -> Inpainter:
    """The same inpainter looking at half the size: for pictures twice as large as those it was trained on."""

    def inpainter(rgb: Tensor, mask: Tensor) -> Tensor:
        small = F.avg_pool2d(rgb, 2)
        hole = F.max_pool2d(mask.to(rgb.dtype), 2) > 0  # Also what only half belongs to the hole: it is mixed with it.
        filled = model(small, hole)
        return F.interpolate(filled, size=rgb.shape[-2:], mode="bilinear", align_corners=False)

    return inpainter


def telea(rgb: Tensor, mask: Tensor) -> Tensor:
    """Telea's fast marching inpainting (2004), by OpenCV in 8 bits. An `Inpainter` for any batch, without weights."""
    radius = scaled(TELEA_RADIUS, rgb)
    pictures = [
        cv2.inpaint(picture, hole, radius, cv2.INPAINT_TELEA)
        for picture, hole in zip(to_uint8(rgb), mask[:, 0].to(torch.uint8).cpu().numpy(), strict=True)
    ]
    return torch.where(mask, to_tensor(pictures).to(rgb), rgb)
