"""An inpainter that sees no more of a picture than lies around its holes: a network costs by the pixel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from unripple.files.pictures import Mask
from unripple.stages.composite import Picture
from unripple.stages.inpaint import MULTIPLE, Inpainter


class Box(NamedTuple):
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` of a picture, the ends not among them."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        """In pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def meets(self, other: Box) -> bool:
        """Whether the two have pixels in common."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right

    def joined(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.top, other.top), max(self.bottom, other.bottom),
            min(self.left, other.left), max(self.right, other.right),
        )  # fmt: skip


def cropped(model: Inpainter, times: int) -> Inpainter:
    """``model``, called for each part of the hole with a box around it ``times`` as high and as wide as the part's.

    Boxes that meet are joined. Sides are multiples of `MULTIPLE`. Where the boxes have nothing to fill from, or are no
    smaller than the picture, ``model`` sees all of it.
    """

    def inpainter(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
        boxes = boxes_around(hole, times)
        starved = any((hole | hidden)[box.top : box.bottom, box.left : box.right].all() for box in boxes)
        if starved or sum(box.area for box in boxes) >= hole.size:
            return model(rgb, hole, hidden)
        filled = rgb.copy()
        for box in boxes:
            part = np.s_[box.top : box.bottom, box.left : box.right]
            filled[part] = model(
                np.ascontiguousarray(rgb[part]), np.ascontiguousarray(hole[part]), np.ascontiguousarray(hidden[part])
            )
        return filled

    return inpainter


def boxes_around(hole: Mask, times: int) -> list[Box]:
    """Boxes that share no pixel, with every part of the hole in one of them; see `cropped`."""
    parts, _ = ndimage.label(hole, np.ones((3, 3)))
    apart: list[Box] = []
    for rows, columns in ndimage.find_objects(parts):
        box = Box(*_grown(rows, times, hole.shape[0]), *_grown(columns, times, hole.shape[1]))
        while met := next((other for other in apart if box.meets(other)), None):
            apart.remove(met)
            box = box.joined(met)
        apart.append(box)
    return apart


def _grown(extent: slice, times: int, limit: int) -> tuple[int, int]:
    """``times`` as long around its middle, out to the next `MULTIPLE`, within the picture."""
    more = (extent.stop - extent.start) * (times - 1) / 2
    start, stop = extent.start - more, extent.stop + more
    return max(0, int(start // MULTIPLE) * MULTIPLE), min(limit, int(-(-stop // MULTIPLE)) * MULTIPLE)
