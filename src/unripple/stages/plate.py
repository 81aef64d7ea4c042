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
from unripple.stages.inpaint import Inpainter, inpaint
from unripple.stages.main_person import main_person
from unripple.stages.masks import dilate, distance_to, erode, ramp, require_masks, scaled
from unripple.stages.warp import spread

#: Width of the soft edge of the fill, inside the hole.
FEATHER: Final = 2.0
#: What is more of the old person than this, and this near to where they are at least half, shows them: a wisp of hair
#: is seldom half a pixel's colour. Farther away such a grey is the parser's doubt about the background.
FRINGE: Final = 0.1
REACH: Final = 8.0
#: What a disc of this radius cannot reach of the background beside the hole, and what is left of it in pieces smaller
#: than this share of the picture, was the old person's: the parser's doubt leaves bits of collars and straps.
NARROW: Final = 8.0
LEAST: Final = 0.01


def hidden_by(person: Matte, grow: float) -> Mask:
    """Where the photo shows the old person, even a little, and ``grow`` pixels more; other persons are background."""
    person = main_person(person)
    near = distance_to(person >= 0.5) <= scaled(REACH, person)
    return dilate(np.asarray((person > FRINGE) & near), scaled(grow, person))


def layered_plate(photo: Picture, person: Matte, alpha: Matte, model: Inpainter, grow: float = 5) -> Picture:
    """The photo's background, to put the edited person over.

    What is seen of the hole alone is filled, with its `pockets`; outside them the plate is bit-equal to the photo.
    Under the edited person, where nothing is seen, the old one gives way to a smooth continuation of what is around.

    Args:
        photo: the portrait before the edit.
        person: how much of each pixel is the person in it.
        alpha: of the edited person, as they are put over the plate; see `composite.settled`.
        model: fills the hole, and does not see the edited person.
        grow: by how much the hole is wider than the old person, see `hidden_by`.

    Raises:
        ValueError: shapes do not fit, or the hole and the edited person leave nothing to fill from.
    """
    seen, old = alpha < 1, hidden_by(person, grow)
    require_masks(person=old, alpha=seen)
    if photo.shape != (*person.shape, 3):
        raise ValueError(f"photo: expected (H, W, 3) like person {person.shape}, found {photo.shape}")
    hole = old & seen
    hole |= pockets(hole, seen)
    filled = inpaint(photo, hole, model, feather=0, hidden=~seen)
    # No soft edge towards the edited person: the old one lies there.
    plate = mixed(photo, filled, ramp(hole, scaled(FEATHER, photo), outside=~hole & seen))
    return pushed_in(plate, old & ~seen) if (old & ~seen).any() else plate


def pockets(hole: Mask, seen: Mask) -> Mask:
    """Bits of the known background that the hole and the edited person shut in, see `NARROW` and `LEAST`.

    A piece that reaches the picture's border is none, nor one that does not touch the hole.

    Args:
        hole: of the old person, where it is seen.
        seen: where the edited person does not hide the background.
    """
    known, width = ~hole & seen, scaled(NARROW, hole)
    _, labels, found, _ = cv2.connectedComponentsWithStats(erode(known, width).astype(np.uint8), connectivity=4)
    left, top = found[:, cv2.CC_STAT_LEFT], found[:, cv2.CC_STAT_TOP]
    right, bottom = left + found[:, cv2.CC_STAT_WIDTH], top + found[:, cv2.CC_STAT_HEIGHT]
    at_border = (left == 0) | (top == 0) | (right == hole.shape[1]) | (bottom == hole.shape[0])
    kept = at_border | (found[:, cv2.CC_STAT_AREA] >= LEAST * hole.size)
    kept[0] = False  # what is not known
    reached = dilate(np.isin(labels, np.flatnonzero(kept)), width + 1)
    _, labels = cv2.connectedComponents((known & ~reached).astype(np.uint8), connectivity=4)
    return np.asarray((labels > 0) & np.isin(labels, labels[dilate(hole, 1)]))


def pushed_in(rgb: Picture, hole: Mask) -> Picture:
    """Fill a hole smoothly from around it, see `warp.spread`; all other pixels stay bit-equal."""
    return np.where(hole[..., None], spread(rgb, (~hole).astype(np.float32)), rgb)
