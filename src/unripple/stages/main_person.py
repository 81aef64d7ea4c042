"""Of several persons in a picture, the one that it is of."""

from __future__ import annotations

import cv2
import numpy as np

from unripple.files.pictures import Matte
from unripple.stages.masks import distance_to


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
