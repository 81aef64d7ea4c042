"""One photo in, its head turned by any degrees, without a workflow: what ``unripple edit`` calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import Mask, Matte, Rgb, levels, signed, write_mask, write_rgb
from unripple.files.tensors import resize, to_arrays, to_tensor
from unripple.models import ModelSet, lite, published
from unripple.photos.decoding import Photo, read_photo
from unripple.settings.study import CHOSEN
from unripple.stages.align import Aligned, align, paste_back
from unripple.stages.composite import Picture, ripple_inpaint, settled, split_composite
from unripple.stages.edit import edit
from unripple.stages.inpaint import Inpainter, at_half_size, inpaint
from unripple.stages.invert import Inversion, invert
from unripple.stages.masks import halo, scaled
from unripple.stages.network_inpainter import network_inpainter
from unripple.stages.parse import person_matte
from unripple.stages.ripple import person_mask, ripple_mask
from unripple.weights.roles import PUBLISHED, converted_file

#: Around what has changed, a pasted portrait fades into the photo over this width (pixels at height 512).
PASTE_HALO: Final = 24.0


@dataclass(frozen=True)
class Settings:
    """As ``params.yaml`` has them; lengths in pixels at height 512. ``refine``: None leaves it to the set of models."""

    method: str
    dilate: int
    feather: int
    threshold: float
    refine: int | None = None


@dataclass(frozen=True)
class Turn:
    """One degree's edit at 1024.

    ``baseline float32 (H, W, 3)`` in [-1, 1] with ripples, ``matte float32 (H, W)`` of its person, ``mask bool (H, W)``
    of the ripples.
    """

    baseline: Picture
    matte: Matte
    mask: Mask


@dataclass(frozen=True)
class Pictures:
    """What is kept of one degree. ``rgb: uint8 (H, W, 3)``; ``pasted`` has the photo's size."""

    baseline: Rgb
    mask: Mask
    cleaned: Rgb
    pasted: Rgb

    def write(self, folder: Path) -> None:
        """Write all four as PNG."""
        write_rgb(folder / "baseline.png", self.baseline)
        write_mask(folder / "mask.png", self.mask)
        write_rgb(folder / "cleaned.png", self.cleaned)
        write_rgb(folder / "pasted.png", self.pasted)


def find_face(path: Path, face: int) -> tuple[Photo, Aligned]:
    """The photo, upright, and the portrait in it; ``face`` as `stages.align` counts, 0 is the largest."""
    photo = read_photo(path)
    aligned = align(photo.rgb, FaceMeter(), face=face)
    upright = np.ascontiguousarray(np.rot90(photo.rgb, aligned.turns))
    return Photo(upright, (*photo.notes, *aligned.notes)), aligned


class Editor:
    """Edits of one portrait, at 1024."""

    def __init__(self, photo: Photo, aligned: Aligned, folder: Path, device: str | None, settings: Settings) -> None:
        embedded = not is_published(folder)
        self.settings = settings
        self.networks: ModelSet = (lite if embedded else published).load(folder, device)
        # lama-lite was made for the study's pictures, which are half as large as these.
        self._halved = embedded
        chosen: int = CHOSEN["lite" if embedded else "published"]["invert"]["refine"]
        self._refine = chosen if settings.refine is None else settings.refine
        self._photo, self._aligned = photo, aligned
        self.rgb = signed(aligned.rgb)
        self._pixels = to_tensor([aligned.rgb]).to(self.networks.device)

    @cached_property
    def person(self) -> Mask:
        """``bool (H, W)``, the person in the portrait."""
        (matte,) = to_arrays(person_matte(self._pixels, self.networks))
        return np.asarray(matte >= self.settings.threshold)

    @cached_property
    def inversion(self) -> Inversion:
        """The portrait's code and distortion map."""
        return invert(self.networks.seen(self._pixels), self.networks, self._refine)

    @cached_property
    def plate(self) -> Picture:
        """The portrait without its person."""
        return inpaint(self.rgb, person_mask(self.person, self.settings.dilate), self.inpainter)

    @property
    def inpainter(self) -> Inpainter:
        inpainter = network_inpainter(self.networks)
        return at_half_size(inpainter) if self._halved else inpainter

    @torch.no_grad()
    def turned(self, degree: float) -> Pictures:
        """The head turned by a degree: edit, find the ripples, clean, paste back."""
        direction = self.networks.direction("pose")
        edited = edit(self.inversion.w_plus, self.inversion.distortion, direction, degree, self.networks)
        rendered = resize(edited.hfgi.clamp(-1, 1), len(self.rgb))
        (baseline,), (matte,) = to_arrays(rendered), to_arrays(person_matte(rendered, self.networks))
        after = matte >= self.settings.threshold
        mask = ripple_mask(self.person, after, dilate=self.settings.dilate)
        cleaned = levels(CLEANERS[self.settings.method](self, Turn(baseline, matte, mask)))
        weight = halo(self.person | after | mask, scaled(PASTE_HALO, mask))
        pasted = paste_back(self._photo.rgb, cleaned, self._aligned.transform, weight)
        return Pictures(levels(baseline), mask, cleaned, pasted)


def _ripple_inpaint(editor: Editor, turn: Turn) -> Picture:
    filled = inpaint(turn.baseline, turn.mask, editor.inpainter, feather=0, hidden=settled(turn.matte) > 0)
    return ripple_inpaint(turn.baseline, turn.mask, filled, turn.matte, editor.settings.feather)


def _split_composite(editor: Editor, turn: Turn) -> Picture:
    return split_composite(turn.baseline, turn.matte, editor.plate)


#: The methods that clean an edit, by the name that ``--method`` takes (`commands.edit.Method`).
CLEANERS: Final[dict[str, Callable[[Editor, Turn], Picture]]] = {
    "ripple_inpaint": _ripple_inpaint,
    "split_composite": _split_composite,
}


def is_published(models: Path) -> bool:
    """Whether a folder of models holds the published ones."""
    return models.name == PUBLISHED.name or converted_file(models, "hfgi").is_file()
