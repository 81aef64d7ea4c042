"""The layered plate: the photo's own background, filled only where the edited person uncovers it.

Pictures are rgb ``float32 (H, W, 3)`` in [-1, 1], mattes ``float32 (H, W)`` in [0, 1], masks ``bool (H, W)``; widths
are pixels at height 512.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from unripple.files.pictures import Mask, Matte
from unripple.stages.composite import Picture, mixed
from unripple.stages.inpaint import Inpainter, at_half_size, inpaint
from unripple.stages.masks import Map, dilate, erode, ramp, require_masks, scaled
from unripple.stages.ripple import person_mask

#: How far beyond the grown person hair, hands and shadow of theirs are looked for.
REACH: Final = 16.0
#: From this share of the person's colour on, rather than the background's, a pixel there counts as theirs.
SHARE: Final = 0.12
#: Two colours nearer than this cannot be told apart; in the range of 2.
NOISE: Final = 0.12
#: Width of the soft edge of the fill, inside the hole.
FEATHER: Final = 2.0
# Radii of the means: of the background, over its texture; of the person, along their outline.
_TEXTURE: Final = 5.0
_OUTLINE: Final = 16.0


def layered_plate(
    photo: Picture, person: Mask, alpha: Matte, model: Inpainter, grow: float = 8, reach: float = 0
) -> Picture:
    """The photo's background, to put the edited person over.

    What is seen of the hole alone is filled; outside it the plate is bit-equal to the photo. Under the edited person,
    where nothing is seen, the old one gives way to a smooth continuation of what is around.

    Args:
        photo: the portrait before the edit.
        person: the person in it.
        alpha: of the edited person, as they are put over the plate; see `composite.settled`.
        model: fills the hole, and does not see the edited person.
        grow: by how much the hole is wider than the old person.
        reach: how far beyond that their fringes are looked for, see `fringe`; 0: they are not. Where there is none, as
            on known plates, it costs a little of the true background.

    Raises:
        ValueError: shapes do not fit, or the hole and the edited person leave nothing to fill from.
    """
    seen = alpha < 1
    require_masks(person=person, alpha=seen)
    if photo.shape != (*person.shape, 3):
        raise ValueError(f"photo: expected (H, W, 3) like person {person.shape}, found {photo.shape}")
    old = person_mask(person, grow)
    if reach > 0 and (old & seen).any():
        old = old | fringe(photo, person, old, seen, model, reach)
    hole = old & seen
    filled = inpaint(photo, hole, model, feather=0, hidden=~seen)
    # No soft edge towards the edited person: the old one lies there.
    plate = mixed(photo, filled, ramp(hole, scaled(FEATHER, photo), outside=~hole & seen))
    return pushed_in(plate, old & ~seen) if (old & ~seen).any() else plate


def fringe(photo: Picture, person: Mask, old: Mask, seen: Mask, model: Inpainter, reach: float = REACH) -> Mask:
    """What around the grown person ``old`` is still theirs: hair, hands, a shadow. It hangs together with ``old``.

    The model continues the background from beyond ``reach``. Where the photo differs from that, on the mean over its
    texture, by more than `SHARE` of the way to the person's own colour, it is theirs.
    """
    wide = dilate(old, scaled(reach, photo))
    around = wide & ~old & seen
    if not around.any() or not (seen & ~wide).any():
        return np.zeros_like(old)
    guess = inpaint(photo, wide & seen, at_half_size(model), feather=0, hidden=~seen)
    background = local_mean(guess, seen & ~old, _TEXTURE)
    found = local_mean(photo, seen & ~old, _TEXTURE)
    own = local_mean(photo, erode(person, scaled(2, photo)), _OUTLINE)
    way = own - background
    share = ((found - background) * way).sum(axis=2) / ((way * way).sum(axis=2) + np.float32(NOISE**2))
    theirs = around & (share > SHARE) & (own != 0).any(axis=2)
    _, labels = cv2.connectedComponents((theirs | (old & seen)).astype(np.uint8), connectivity=8)
    joined = np.isin(labels, np.unique(labels[old & seen]))
    return np.asarray(dilate(theirs & joined, scaled(2, photo)) & wide)


def local_mean(rgb: Picture, mask: Mask, radius: float) -> Picture:
    """Mean of the masked pixels around each pixel, weighted by a Gaussian; 0 where none is near."""
    sigma = scaled(radius, rgb)
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    total = cv2.GaussianBlur(rgb * mask[..., None], (0, 0), sigma)
    mean = total / np.maximum(weight, np.float32(1e-3))[..., None]
    return np.where((weight > 1e-3)[..., None], mean, 0).astype(np.float32)


def pushed_in(rgb: Picture, hole: Mask) -> Picture:
    """Fill a hole smoothly from around it (pull-push over a pyramid); all other pixels stay bit-equal."""
    return np.where(hole[..., None], _pull_push(rgb, (~hole).astype(np.float32)), rgb)


def _pull_push(rgb: Picture, weight: Map) -> Picture:
    height, width = weight.shape
    if weight.min() > 0 or max(height, width) == 1:
        return rgb
    half = (max(width // 2, 1), max(height // 2, 1))
    mass = np.asarray(cv2.resize(weight, half, interpolation=cv2.INTER_AREA), dtype=np.float32)
    total = np.asarray(cv2.resize(rgb * weight[..., None], half, interpolation=cv2.INTER_AREA), dtype=np.float32)
    mean = np.asarray(total / np.maximum(mass, np.float32(1e-6))[..., None], dtype=np.float32)
    coarse = _pull_push(mean, np.minimum(mass * np.float32(4), 1))
    wide = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
    return np.asarray(wide + weight[..., None] * (rgb - wide), np.float32)
