"""The pictures of one face, as the report takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from unripple.files.pictures import Mask, Rgb
from unripple.settings.columns import BASELINE, TRUTH

#: Names for people; a method that is not listed is shown by its own name.
LABELS = {
    "photo": "photo",
    "inversion": "inversion",
    "e4e": "e4e",
    "hfgi": "HFGI (baseline)",
    "mask": "ripple mask",
    "ripple_inpaint": "ripple inpaint",
    "split_composite": "split composite",
    "layered": "layered",
    "unripple": "Unripple",
    "region_fusion": "region fusion",
    "style_fusion": "style fusion",
    "ada_pose": "ADA of true turns",
    "motion_fusion": "motion fusion",
    "bitwise_or": "bitwise or",
    "truth": "truth",
}
#: The tint of a mask laid over a picture: no skin, hair or foliage has it.
TINT = (255, 0, 170)


def compared(methods: Sequence[str]) -> list[str]:
    """Those that are compared with the baseline: neither itself nor the truth's own row."""
    return [method for method in methods if method not in (BASELINE, TRUTH)]


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
    ``truth``: the true edit, where it is known; ``files``: the file of each by its name, for links and records.
    """

    degree: float
    methods: Mapping[str, Rgb]
    mask: Mask | None = None
    truth: Rgb | None = None
    files: Mapping[str, Path] = field(default_factory=dict)

    def edits(self) -> dict[str, Rgb]:
        """The edits by name: the methods, the truth last."""
        return {**self.methods, **({} if self.truth is None else {"truth": self.truth})}

    def shown(self) -> dict[str, Rgb]:
        """The edits by name, and the mask laid over the baseline after ``hfgi``."""
        pictures: dict[str, Rgb] = {}
        for name, rgb in self.edits().items():
            pictures[name] = rgb
            if name == "hfgi" and self.mask is not None:
                pictures["mask"] = overlay(rgb, self.mask)
        return pictures


@dataclass(frozen=True)
class FacePictures:
    """One face: its photo, its inversion (the edit of degree 0) and its edits by ascending degree."""

    name: str
    photo: Rgb
    inversion: Rgb
    edits: tuple[EditPictures, ...] = field(default=())
    files: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "edits", tuple(sorted(self.edits, key=lambda edit: edit.degree)))

    def reduced(self, side: int) -> FacePictures:
        """The face with every picture at most ``side`` pixels wide and high, for sheets of many."""
        edits = tuple(
            replace(
                edit,
                methods={name: reduced(rgb, side) for name, rgb in edit.methods.items()},
                mask=None,
                truth=None if edit.truth is None else reduced(edit.truth, side),
            )
            for edit in self.edits
        )
        return replace(self, photo=reduced(self.photo, side), inversion=reduced(self.inversion, side), edits=edits)


def reduced(rgb: Rgb, side: int) -> Rgb:
    """A picture ``uint8 (H, W, 3)`` shrunk to at most ``side`` pixels; a smaller one as it is."""
    if max(rgb.shape[:2]) <= side:
        return rgb
    image = Image.fromarray(rgb)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.uint8)


def spread(names: Sequence[str]) -> list[str]:
    """The names reordered so that each first part of them lies evenly over all: a fair choice of any number.

    >>> spread(["a", "b", "c", "d", "e"])
    ['a', 'e', 'c', 'b', 'd']
    """
    bits = max(len(names) - 1, 0).bit_length()
    order = sorted(range(len(names)), key=lambda place: f"{place:0{bits}b}"[::-1])
    return [names[place] for place in order]


def overlay(rgb: Rgb, mask: Mask) -> Rgb:
    """The picture with the mask as a half transparent tint and its outline drawn full."""
    if mask.shape != rgb.shape[:2]:
        raise ValueError(f"mask: expected {rgb.shape[:2]} like its picture, found {mask.shape}")
    tinted = rgb.copy()
    tinted[mask] = (0.5 * rgb[mask] + 0.5 * np.array(TINT)).astype(np.uint8)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, outlines, -1, TINT, max(1, rgb.shape[0] // 256))
    return tinted
