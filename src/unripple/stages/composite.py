"""Putting the cleaned picture together: the study's three methods.

Pictures are rgb ``float32 (H, W, 3)`` in [-1, 1], mattes ``float32 (H, W)`` in [0, 1], masks ``bool (H, W)``.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.files.pictures import Mask, Matte, Rgb
from unripple.stages.masks import Map, distance_to, ramp, require_masks, scaled

#: rgb ``float32 (H, W, 3)`` in [-1, 1].
Picture = NDArray[np.float32]

#: Mattes of networks seldom reach 0 and 1: what comes this near counts as background or as person.
CONFIDENT: Final = 0.05
#: So does what lies this far inside the outline (matte one half) or outside it, in pixels at height 512: a grey patch
#: within a person would let the old background through, and one in the background would keep ripples.
SOLID: Final = 5.0
AIR: Final = 16.0
# Box radii, in pixels at height 512, of the two passes of the foreground estimation; halves of the paper's at 1024.
_RADII: Final = (45.0, 3.0)


def ripple_inpaint(hfgi: Picture, mask: Mask, inpainted: Picture, edited_matte: Matte, feather: float = 4) -> Picture:
    """The reproduction: the HFGI edit with its ripple mask filled, and the edited person put back on top.

    Inside the mask the picture becomes the person's colours over the filled background. Outside the mask, and where
    the matte is confident of the person, it stays bit-equal to ``hfgi``.

    Args:
        hfgi: the edit with ripples.
        mask: the ripple mask.
        inpainted: ``hfgi`` filled inside ``mask``.
        edited_matte: person of the edit.
        feather: width of the soft edge inside the mask towards the background, in pixels at height 512.
    """
    require_masks(mask=mask)
    matte = settled(edited_matte)
    # No ramp towards the person: their own matte is the soft edge there, and a ramp would keep ripples beside them.
    weight = ramp(mask, scaled(feather, hfgi), outside=~mask & (matte == 0))
    cleaned = mixed(hfgi, over(hfgi, edited_matte, inpainted), weight)
    return np.where((mask & (matte < 1))[..., None], cleaned, hfgi)


def split_composite(edit: Picture, edited_matte: Matte, plate: Picture) -> Picture:
    """The edited person, cut out by their own matte, over the plate (the photo with the original person filled)."""
    return over(edit, edited_matte, plate)


def bitwise_or(edit: Rgb, edited_person: Mask, inversion: Rgb, original_person: Mask) -> Rgb:
    """The historical row: per channel, in 8 bits, (edited person) OR (background of the inversion).

    Colours mix where the edited person stands before the old background, and the band that nobody covers is black.
    Pictures are ``uint8 (H, W, 3)``.
    """
    require_masks(edited_person=edited_person, original_person=original_person)
    return np.asarray(edit * edited_person[..., None] | inversion * ~original_person[..., None])


def mixed(a: Picture, b: Picture, weight: Map) -> Picture:
    """``a`` where ``weight (H, W)`` is 0, ``b`` where it is 1, exactly."""
    weight, step = in_colours(weight), b - a
    return np.where(weight < 0.5, a + weight * step, b - step * (1 - weight)).astype(np.float32)


def in_colours(values: Map) -> Picture:
    """``(H, W)`` -> ``(H, W, 3)``, the same in all colours; numpy's arithmetic with ``[..., None]`` takes longer."""
    return np.asarray(cv2.merge((values, values, values)))


def settled(matte: Matte) -> Matte:
    """A matte that is decided but for a soft edge along its outline; see `CONFIDENT`, `SOLID` and `AIR`."""
    stretched = np.clip((matte - np.float32(CONFIDENT)) / np.float32(1 - 2 * CONFIDENT), 0, 1)
    person = matte >= 0.5
    stretched[distance_to(~person) > scaled(SOLID, matte)] = 1
    stretched[distance_to(person) > scaled(AIR, matte)] = 0
    return stretched


def over(rgb: Picture, matte: Matte, plate: Picture) -> Picture:
    """The person of ``rgb`` over ``plate``, without the rim of their old background.

    Bit-equal to ``rgb`` where the `settled` matte is 1, and to ``plate`` where it is 0.
    """
    if rgb.shape != plate.shape or rgb.shape != (*matte.shape, 3):
        raise ValueError(
            f"expected rgb and plate (H, W, 3) and matte (H, W) of one size, found rgb {rgb.shape}, plate"
            f" {plate.shape}, matte {matte.shape}"
        )
    alpha = settled(matte)
    return mixed(plate, np.where(in_colours(alpha) == 1, rgb, foreground(rgb, alpha)), alpha)


def foreground(rgb: Picture, alpha: Matte) -> Picture:
    """The person's own colours, also where ``rgb`` mixes them with the background.

    Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, equations 4 to 7, in two passes. Only pixels
    with an ``alpha`` between 0 and 1 get new values that matter.
    """
    front, back = rgb, rgb
    person, rest = in_colours(alpha), in_colours(1 - alpha)
    for at_512 in _RADII:
        side = 2 * round(scaled(at_512, rgb)) + 1
        front_mean, back_mean = _weighted_mean(front, person, side), _weighted_mean(back, rest, side)
        front = np.clip(front_mean + person * (rgb - person * front_mean - rest * back_mean), -1, 1)
        back = back_mean
    return front


def _weighted_mean(colours: Picture, weight: Picture, side: int) -> Picture:
    """Mean over a box of ``side`` pixels; all are ``(H, W, 3)``, the weight the same in all colours."""
    mass = cv2.blur(weight[..., 0], (side, side)) + np.float32(1e-5)
    return np.asarray(cv2.blur(colours * weight, (side, side)) / in_colours(mass))
