"""The regions in which a picture is judged, from the person's mattes before and after the edit."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from unripple.files.pictures import Mask, Matte
from unripple.metrics.arrays import scaled

#: Whose mattes say what is person: the study's own (of a known-plate picture those it was composed with), BlazePose's,
#: which made nothing in the study, or both, which must agree.
Judge = Literal["study", "blazepose", "agreed"]
#: A pixel belongs to the person from this matte value on.
THRESHOLD = 0.5
#: Distance kept from a silhouette, in pixels at 512: mattes are soft there and pictures blend.
MARGIN = 6.0


@dataclass(frozen=True)
class Regions:
    """Where to measure; every mask is ``bool (H, W)``.

    * ``whole``: every pixel.
    * ``band``: the original person minus the edited person, what the motion uncovers (and where ripples live).
    * ``band_core``: the band, less a margin around the edited person. The old outline belongs to it,
      the new one does not.
    * ``background``: outside both persons, with a margin.
    * ``person``: the edited person.
    * ``person_core``: the edited person, eroded by the margin.
    """

    whole: Mask
    band: Mask
    band_core: Mask
    background: Mask
    person: Mask
    person_core: Mask

    def judged(self) -> dict[str, Mask]:
        """The four regions over which a distance is averaged, by name."""
        return {"whole": self.whole, "band": self.band, "background": self.background, "person": self.person}


def disc(radius: float) -> npt.NDArray[np.uint8]:
    """A round structuring element, ``uint8 (2r + 1, 2r + 1)``."""
    r = max(round(radius), 0)
    y, x = np.ogrid[-r : r + 1, -r : r + 1]
    return np.asarray(x * x + y * y <= r * r, dtype=np.uint8)


def dilate(mask: Mask, radius: float) -> Mask:
    """Grow by a disc; the outside of the picture is not part of the mask."""
    return cv2.dilate(mask.astype(np.uint8), disc(radius), borderValue=0).astype(bool)


def erode(mask: Mask, radius: float) -> Mask:
    """Shrink by a disc, but not from the picture's border: a person cut by the frame goes on outside."""
    return cv2.erode(mask.astype(np.uint8), disc(radius), borderValue=1).astype(bool)


def regions(original: Matte, edited: Matte, margin: float = MARGIN) -> Regions:
    """Regions from two person mattes, ``float32 (H, W) in [0, 1]``.

    ``original`` is the person of the photo, ``edited`` the person after the edit: the true one where it is known
    (known-plate photos), else the parser's matte of the baseline edit. ``margin`` is in pixels at 512.

    Raises ``ValueError`` where the two sizes differ.
    """
    if original.shape != edited.shape or original.ndim != 2:
        raise ValueError(f"mattes: expected two (H, W) of one size, found {original.shape} and {edited.shape}")
    before, after = original >= THRESHOLD, edited >= THRESHOLD
    radius = scaled(margin, before.shape)
    return Regions(
        whole=np.ones_like(before),
        band=before & ~after,
        band_core=before & ~dilate(after, radius),
        background=~dilate(before | after, radius),
        person=after,
        person_core=erode(after, radius),
    )


def agreed(one: Regions, other: Regions) -> Regions:
    """Where two judges see the same region; ``whole`` stays the whole picture."""
    return Regions(**{part.name: getattr(one, part.name) & getattr(other, part.name) for part in fields(Regions)})


def shrink(mask: Mask, side: int) -> Mask:
    """The mask at ``(side, side)``: a pixel is set where at least half of its area was."""
    return cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) >= 0.5
