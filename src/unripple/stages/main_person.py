"""Of several persons in a picture, the one that it is of."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from unripple.files.pictures import Matte
from unripple.stages.masks import distance_to, scaled
from unripple.stages.warp import Motion, warped

#: How far a motion may be wrong about the outline, in pixels at height 512.
LOOSE: Final = 12.0


def main_person(matte: Matte) -> Matte:
    """The matte of the largest person, by themselves.

    Parsers do not tell persons apart. Who stands apart from the largest is none of theirs: in a photo part of the
    background, in an edit an invention of the generator's. What lies nearer to another person goes with them.

    Args:
        matte: of all persons, ``float32 (H, W)`` in [0, 1]; a person is what hangs together at 1/2 or more.
    """
    count, labels, found, _ = cv2.connectedComponentsWithStats((matte >= 0.5).astype(np.uint8), connectivity=4)
    if count <= 2:
        return matte
    main = labels == 1 + np.argmax(found[1:, cv2.CC_STAT_AREA])
    others = (labels > 0) & ~main
    return np.where(distance_to(main) <= distance_to(others), matte, 0).astype(np.float32)


def edited_person_matte(found: Matte, baseline: Matte, photo: Matte, backward: Motion) -> Matte:
    """The matte of the person in a layered edit, by themselves, also where another one touches them.

    The generator likes to put somebody beside who turns. That nobody was there two things say together: it lies away
    from where the motion takes the photo's person, and HFGI's edit, which has the photo's own background fused in, has
    background there. Either alone is wrong too often: the motion about hair, HFGI's edit about what ripples cross.

    All are ``float32 (H, W)`` in [0, 1] but the motion.

    Args:
        found: of all persons in the layered edit.
        baseline: of all persons in HFGI's edit.
        photo: of all persons in the photo.
        backward: pixel of the edit -> pixel of the portrait, ``float32 (H, W, 2)``.
    """
    found, baseline, photo = map(main_person, (found, baseline, photo))
    away = distance_to(warped(photo, backward) >= 0.5) > scaled(LOOSE, found)
    return main_person(np.where(away, np.minimum(found, baseline), found))
