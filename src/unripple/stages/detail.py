"""Detail transport: what the inversion misses of the photo, moved to the edited person where that is sure.

The residual, photo minus inversion, belongs to the inversion's edges: it takes a wrong eyelid away and puts the right
one in its place. It may be added only where the moved inversion lies edge on edge over the edit; else both would show.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from unripple.files.pictures import Matte, Rgb
from unripple.stages.composite import Picture
from unripple.stages.masks import Map, distance_to, scaled
from unripple.stages.warp import Motion, warped

#: How much of the moved distortion the consultation gets (`stages.layered`). It is a guess at what the edit lacks,
#: right in part: a share of it is nearer to the truth than the whole. The rest comes back here, where it is sure.
CONSULTED: Final = 0.5
# Width of the neighbourhood in which two pictures are compared (a Gaussian), and of the structure that is compared, in
# pixels at height 512. An edge that disagrees so keeps the residual out of its surroundings, too: the photo's own edge
# lies a little beside the inversion's.
_NEAR: Final = 3.0
_STRUCTURE: Final = 8.0
# Root of the mean square difference, in the range [-1, 1], at which detail still counts by 1/e.
_DIFFERENCE: Final = 0.22
# Similarity of structure from which on detail counts, and counts in full; contrast below which there is no structure.
_ALIKE: Final = (0.2, 0.8)
_FLAT: Final = 0.02
# Width of the soft edge within both persons, and side of the box that smooths it, in pixels at height 512.
_EDGE: Final = 10.0
_SMOOTH: Final = 9.0


def consulted_inversion(e4e: Rgb, hfgi: Rgb) -> Rgb:
    """About the inversion with as much of the distortion as the layered edit: so far on the way from e4e's to HFGI's.

    Pictures are ``uint8 (H, W, 3)``.
    """
    return np.asarray(cv2.addWeighted(e4e, 1 - CONSULTED, hfgi, CONSULTED, 0), np.uint8)


def with_detail(
    edit: Picture,
    photo: Picture,
    inversion: Picture,
    backward: Motion,
    sureness: Map,
    photo_matte: Matte,
    edited_matte: Matte,
    strength: float = 1,
) -> Picture:
    """The edit and the moved residual, weighed by how sure it is: ``float32 (H, W, 3)``, about [-1, 1].

    Args:
        edit: the layered edit, rgb ``float32 (H, W, 3)``.
        photo: the portrait, of the same size.
        inversion: what the generator makes of the photo at degree 0, with as much of the distortion as ``edit``.
        backward: pixel of ``edit`` -> pixel of ``inversion``, see `stages.motion.fitted`.
        sureness: of the motion, ``float32 (H, W)`` in [0, 1].
        photo_matte: person of the photo, ``float32 (H, W)`` in [0, 1].
        edited_matte: person of the edit.
        strength: factor of all that is added, 0 to 1.
    """
    weight = sureness * _within(edited_matte) * warped(_within(photo_matte), backward, smooth=True)
    side = 2 * (round(scaled(_SMOOTH, edit)) // 2) + 1
    weight = cv2.blur(weight, (side, side), borderType=cv2.BORDER_REPLICATE)
    weight *= np.float32(strength) * agreement(edit, warped(inversion, backward))
    return np.asarray(edit + warped(photo - inversion, backward) * weight[..., None], np.float32)


def agreement(edit: Picture, moved: Picture) -> Map:
    """How well two pictures agree around each pixel, ``float32 (H, W)`` in [0, 1]; 1 = they are the same.

    In colour and, whatever the contrast, in structure: the product of contrast and structure in SSIM (Wang et al.,
    "Image quality assessment: from error visibility to structural similarity", 2004).
    """
    width = scaled(_NEAR, edit)
    difference = _blurred(np.square(moved - edit).mean(axis=-1), width)
    a, b = (_structure(picture) for picture in (edit, moved))
    flat = np.float32(_FLAT**2)
    alike = (2 * _blurred(a * b, width) + flat) / (_blurred(a * a, width) + _blurred(b * b, width) + flat)
    least, full = _ALIKE
    counts = np.clip((alike - least) / (full - least), 0, 1)
    return np.asarray(counts * np.exp(-difference / np.float32(_DIFFERENCE**2)), np.float32)


def _structure(rgb: Picture) -> Map:
    """Grey without what is coarser than `_STRUCTURE`."""
    grey = rgb.mean(axis=-1)
    return np.asarray(grey - _blurred(grey, scaled(_STRUCTURE, rgb)))


def _blurred(values: Map, width: float) -> Map:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), width))


def _within(matte: Matte) -> Map:
    """0 outside the person, rising to 1 inside."""
    return np.clip(distance_to(matte <= 0.5) / np.float32(scaled(_EDGE, matte)), 0, 1)
