"""The pictures of one face, as the report takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from unripple.images import Mask, Rgb

#: Names for people; a method that is not listed is shown by its own name.
LABELS = {
    "photo": "photo",
    "inversion": "inversion",
    "e4e": "e4e",
    "hfgi": "HFGI (baseline)",
    "mask": "ripple mask",
    "ripple_inpaint": "ripple inpaint",
    "split_composite": "split composite",
    "bitwise_or": "bitwise or",
    "truth": "truth",
}
#: The tint of a mask laid over a picture: no skin, hair or foliage has it.
TINT = (255, 0, 170)


def label(name: str) -> str:
    """The name of a method or picture for people."""
    return LABELS.get(name, name.replace("_", " "))


def signed(degree: float) -> str:
    """A degree with its sign, a true minus and no needless zeros: ``+3``, ``−1.5``."""
    return f"{degree:+g}".replace("-", "−")


@dataclass(frozen=True)
class EditPictures:
    """One face at one degree. Pictures ``uint8 (H, W, 3)``; ``mask: bool (H, W)``, the ripple mask.

    ``methods``: method -> its edit, ``e4e`` and ``hfgi`` among them, in the order in which they are shown;
    ``truth``: the true edit, where it is known.
    """

    degree: float
    methods: Mapping[str, Rgb]
    mask: Mask | None = None
    truth: Rgb | None = None

    def shown(self) -> dict[str, Rgb]:
        """All pictures by name: the methods, the mask over the baseline after ``hfgi``, the truth last."""
        pictures: dict[str, Rgb] = {}
        for name, rgb in self.methods.items():
            pictures[name] = rgb
            if name == "hfgi" and self.mask is not None:
                pictures["mask"] = overlay(rgb, self.mask)
        if self.truth is not None:
            pictures["truth"] = self.truth
        return pictures


@dataclass(frozen=True)
class FacePictures:
    """One face: its photo, its inversion (the edit of degree 0) and its edits by ascending degree."""

    name: str
    photo: Rgb
    inversion: Rgb
    edits: tuple[EditPictures, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "edits", tuple(sorted(self.edits, key=lambda edit: edit.degree)))


def overlay(rgb: Rgb, mask: Mask) -> Rgb:
    """The picture with the mask as a half transparent tint and its outline drawn full."""
    if mask.shape != rgb.shape[:2]:
        raise ValueError(f"mask: expected {rgb.shape[:2]} like its picture, found {mask.shape}")
    tinted = rgb.copy()
    tinted[mask] = (0.5 * rgb[mask] + 0.5 * np.array(TINT)).astype(np.uint8)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, outlines, -1, TINT, max(1, rgb.shape[0] // 256))
    return tinted
