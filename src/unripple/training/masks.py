"""Shapes of holes, cut from silhouettes of persons: what ripple masks and removed persons look like.

Silhouettes and holes: bool (B, 1, H, W) on any device, True = person and True = hole. Randomness comes from the dice
given, and nothing here waits for a GPU's answer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from unripple.training.augment import Dice

#: A band covers at least and at most this share of the picture.
BAND_AREA = (0.004, 0.35)
#: How often a band is drawn before a picture goes without a hole.
TRIES = 3


def moved(silhouette: Tensor, dice: Dice) -> Tensor:
    """The silhouettes of persons who turned or moved: narrower or wider, shifted, a little turned."""
    count = len(silhouette)
    angle = dice.uniform(-10, 10, count) * (math.pi / 180)
    across, along = dice.uniform(0.8, 1.2, count), dice.uniform(0.92, 1.08, count)
    right, down = dice.uniform(-0.24, 0.24, count), dice.uniform(-0.1, 0.1, count)  # in half sides
    cos, sin = angle.cos(), angle.sin()
    affine = torch.stack((cos * across, -sin, right, sin, cos * along, down), dim=1).view(count, 2, 3)
    grid = F.affine_grid(affine, list(silhouette.shape), align_corners=False)
    # Replicated borders: shoulders that leave the picture keep leaving it.
    return F.grid_sample(silhouette.float(), grid, "nearest", padding_mode="border", align_corners=False) > 0.5


def dilated(mask: Tensor, radius: Tensor, most: int) -> Tensor:
    """Grown by octagons, nearly discs, of ``radius (B,)`` pixels rounded down: each picture by its own.

    ``most``: the largest of the radii, which a GPU is not asked for.
    """
    left = radius.floor().view(-1, 1, 1, 1)
    for step in range(most):
        across = _or(mask, 3)
        # A square reaches as far as its corners, a diamond half as far: in turns both ways come out like the sides.
        grown = _or(across, 2) if step % 2 else across | _or(mask, 2)
        mask = torch.where(left > step, grown, mask)
    return mask


def _or(mask: Tensor, dim: int) -> Tensor:
    """Each pixel or one of its two neighbours along an axis."""
    grown, size = mask.clone(), mask.shape[dim]
    grown.narrow(dim, 1, size - 1).logical_or_(mask.narrow(dim, 0, size - 1))
    grown.narrow(dim, 0, size - 1).logical_or_(mask.narrow(dim, 1, size - 1))
    return grown


def band(silhouette: Tensor, dice: Dice, *, spared: Tensor | None = None) -> Tensor:
    """What persons uncover by moving: the moved silhouette without the silhouette, dilated as ripple masks are.

    ``spared``, bool (B, 1, H, W): pixels that are never part of the hole. A hole may be empty, as where a person fills
    the picture.
    """
    most = max(1, silhouette.shape[-1] // 32 - 1)
    chosen = torch.zeros_like(silhouette)
    for _ in range(TRIES):
        hole = dilated(moved(silhouette, dice) & ~silhouette, dice.uniform(0, most + 1, len(silhouette)), most)
        if spared is not None:
            hole &= ~spared
        area = hole.float().mean(dim=(1, 2, 3), keepdim=True)
        fits = (area > BAND_AREA[0]) & (area < BAND_AREA[1])
        chosen = torch.where(chosen.any(dim=3, keepdim=True).any(dim=2, keepdim=True), chosen, hole & fits)
    return chosen


def whole(silhouette: Tensor, dice: Dice) -> Tensor:
    """Holes as large as the persons, grown, and sometimes off to one side."""
    count, width = len(silhouette), silhouette.shape[-1]
    most = max(2, width // 20 - 1)
    grown = dilated(silhouette, dice.uniform(1, most + 1, count), most)
    shift = dice.uniform(-0.35, 0.35, count, 1, 1, 1) * width * dice.coin(0.4, count)
    source = torch.arange(width, device=silhouette.device) - shift.round().long()  # (B, 1, 1, W)
    inside = (source >= 0) & (source < width)
    return grown.gather(3, source.clamp(0, width - 1).expand_as(grown)) & inside
