"""PatchMatch (Barnes et al., SIGGRAPH 2009) as an inpainter: a hole becomes texture of the picture's own background."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import patchmatch

from unripple.files.pictures import Mask, levels, signed
from unripple.stages.composite import Picture
from unripple.stages.inpaint import Inpainter, telea
from unripple.stages.masks import dilate, scaled

#: Radius of the compared patches, in pixels of the picture: small ones follow edges, and cost less.
PATCH: Final = 2
#: Of the random search. The library starts each picture from it, in integers and on one thread.
SEED: Final = 2026
#: Weight of the label that keeps the ring out of the sources, against the patches' own distance of 0 to 1. Those that
#: look alike differ by less than this.
RELUCTANCE: Final = 0.05
# The library's guide has coordinates on a circle of length 1; these two are as far from each other as can be.
_PLAIN: Final = 0.0
_RING: Final = 0.5


def patch_match(ring: float) -> Inpainter:
    """An inpainter that fills the hole with patches of what is known.

    Nothing is copied from what is ``hidden``, and it is not looked at. The ring around the hole, where fringes of hair
    and shadow lie, is looked at, so that the fill joins it, but not copied from, unless no whole patch is known beyond
    it. Where none is known at all, the hole is filled by `telea`. Same input, same bytes.

    Args:
        ring: its width, in pixels at height 512.

    Raises:
        RuntimeError: the package has no compiled library for this system.
    """
    if not patchmatch.patchmatch_available:
        raise RuntimeError(
            "inpaint.model = patchmatch: expected the package pypatchmatch with its compiled library, found none for"
            " this system; take inpaint.model: telea, or build the package (it needs CMake, a C++ compiler and OpenCV)"
        )

    def inpainter(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
        known = ~(hole | hidden)
        if not _has_a_patch(known):
            return telea(rgb, hole, hidden)
        guide = np.full((*hole.shape, 3), _PLAIN, np.float32)
        doubtful = known & dilate(hole, scaled(ring, rgb))
        if _has_a_patch(known & ~doubtful):
            guide[doubtful] = _RING
        patchmatch.set_random_seed(SEED)
        filled = patchmatch.inpaint_regularity(
            levels(rgb), hole & ~hidden, guide, global_mask=hidden, patch_size=PATCH, guide_weight=RELUCTANCE
        )
        return np.where((hole & ~hidden)[..., None], signed(filled), rgb)

    return inpainter


def _has_a_patch(known: Mask) -> bool:
    whole = cv2.erode(known.astype(np.uint8), np.ones((2 * PATCH + 1, 2 * PATCH + 1), np.uint8))
    return bool(whole[PATCH:-PATCH, PATCH:-PATCH].any())
