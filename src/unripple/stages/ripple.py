"""The ripple mask: the band that the turned head uncovers, where HFGI leaves an after-image of the original person."""

from __future__ import annotations

from typing import Final, Literal, get_args

import cv2
import numpy as np

from unripple.files.pictures import Mask, Matte
from unripple.stages.masks import dilate as grow
from unripple.stages.masks import erode, require_masks, scaled

Operation = Literal["and_not", "xor", "or"]

#: Connected pieces below this share of the picture (26 pixels at 512) are quarrels of two mattes about an edge.
SPECK: Final = 1e-4
#: Parsers are unsure along the border of a picture; a band that comes this near (pixels at 512) goes on to the border.
BORDER: Final = 4.0
#: What a network finds at least this surely counts as ripple.
SURE: Final = 0.5
#: The mask may overlap the edited person by this much (pixels at 512), where their edge is soft and mixed with ripples.
SOFT_EDGE: Final = 3.0


def ripple_mask(original: Mask, edited: Mask, operation: Operation = "and_not", dilate: float = 8) -> Mask:
    """Join the person masks of original and edit, clean the result and grow it.

    Specks below `SPECK` are dropped, what comes within `BORDER` of the picture's border is led to it, and the rest
    grows by ``dilate``, so that the inpainter does not carry colours of the old edge inwards.

    With ``and_not`` (the study's), the mask then leaves out the edited person but for `SOFT_EDGE`. With ``xor`` and
    ``or`` it covers that person too: they are to be put back from their matte.

    Args:
        original: person of the photo, ``bool (H, W)``.
        edited: person of the edit, same shape.
        operation: ``and_not`` = original AND NOT edited; ``xor``; ``or``.
        dilate: radius in pixels at height 512.

    Returns:
        ``bool (H, W)``.
    """
    require_masks(original=original, edited=edited)
    band = _join(original, edited, operation)
    mask = grow(_lead_to_border(_without_specks(band)), scaled(dilate, band))
    if operation == "and_not":
        mask &= ~erode(edited, scaled(SOFT_EDGE, band))
    return mask


def learned_mask(found: Matte, dilate: float = 8) -> Mask:
    """Where a network finds an after-image (`stages.find_ripples`), cleaned and grown as `ripple_mask` does it.

    It does not leave out the edited person: what it marks inside them is a finding, too.

    Args:
        found: how surely an after-image shows, ``float32 (H, W)`` in [0, 1].
        dilate: radius in pixels at height 512.

    Returns:
        ``bool (H, W)``.
    """
    sure = np.asarray(found >= SURE)
    require_masks(found=sure)
    return grow(_lead_to_border(_without_specks(sure)), scaled(dilate, sure))


def person_mask(person: Mask, dilate: float = 8) -> Mask:
    """What to fill to get the plate: the person, cleaned, led to the border and grown. ``bool (H, W)``."""
    require_masks(person=person)
    return grow(_lead_to_border(_without_specks(person)), scaled(dilate, person))


def _join(original: Mask, edited: Mask, operation: Operation) -> Mask:
    match operation:
        case "and_not":
            return original & ~edited
        case "xor":
            return original ^ edited
        case "or":
            return original | edited
    raise ValueError(f"ripple operation {operation!r}: expected one of {', '.join(get_args(Operation))}")


def _without_specks(mask: Mask) -> Mask:
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = statistics[:, cv2.CC_STAT_AREA] >= SPECK * mask.size
    large[0] = False  # The background has label 0.
    return np.asarray(large[labels])


def _lead_to_border(mask: Mask) -> Mask:
    """Within `BORDER` of the border, also take what the nearest pixel further in says."""
    margin = round(scaled(BORDER, mask))
    if margin == 0 or min(mask.shape) <= 2 * margin:
        return mask
    return np.asarray(mask | np.pad(mask[margin:-margin, margin:-margin], margin, mode="edge"))
