"""One photo in, edited by any degrees, without a workflow: what ``unripple edit`` calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unripple.detectors.dlib_faces import FaceMeter
from unripple.detectors.face_mesh import FaceMesh
from unripple.files.pictures import Mask, Matte, Rgb, levels, reduced, signed, write_mask, write_rgb
from unripple.files.tensors import resize, to_arrays, to_tensor, to_uint8
from unripple.models import ModelSet, lite, published
from unripple.models.directions import direction_of
from unripple.photos.decoding import Photo, read_photo
from unripple.settings.inverters import Inverter
from unripple.settings.study import CHOSEN, Inpaint
from unripple.stages.align import Aligned, align, paste_back
from unripple.stages.composite import Picture, ripple_inpaint, settled, split_composite
from unripple.stages.edit import edit
from unripple.stages.edited_person import EditedPerson, Inverted, edited_person
from unripple.stages.inpaint import Inpainter, inpaint
from unripple.stages.invert import Inversion, invert
from unripple.stages.masks import halo, scaled
from unripple.stages.network_inpainter import network_inpainter
from unripple.stages.parse import person_matte
from unripple.stages.patch_match import patch_match
from unripple.stages.plate import layered_plate
from unripple.stages.ripple import person_mask, ripple_mask
from unripple.stages.stitch import HEIGHT, Stitched, stitched
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
    """One edit at 1024.

    ``baseline float32 (H, W, 3)`` in [-1, 1] with ripples, ``matte float32 (H, W)`` of its person, ``mask bool (H, W)``
    of the ripples, ``low_rate uint8 (H, W, 3)`` the edit without details. ``step (512,)`` or ``(18, 512)``: how far the
    code was moved.
    """

    step: Tensor
    baseline: Picture
    matte: Matte
    mask: Mask
    low_rate: Rgb


class Cleaned(NamedTuple):
    """A cleaned edit, rgb ``float32 (H, W, 3)`` in [-1, 1], and what of it goes back into the photo.

    ``stitched``: the head on the photo's own body; None where all that has changed is pasted.
    """

    rgb: Picture
    stitched: Stitched | None = None


@dataclass(frozen=True)
class Pictures:
    """What is kept of one edit. ``rgb: uint8 (H, W, 3)``; ``pasted`` has the photo's size, ``square`` is the portrait's
    part of it."""

    baseline: Rgb
    mask: Mask
    cleaned: Rgb
    square: Rgb
    pasted: Rgb

    def write(self, folder: Path) -> None:
        """Write all but the square as PNG."""
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
        chosen = CHOSEN["lite" if embedded else "published"]
        self._inpainter, self._grow = chosen["inpaint"]["model"], chosen["layered"]["grow"]
        _, steps = self.networks.inverter
        self._refine = steps if settings.refine is None else settings.refine
        self._photo, self._aligned = photo, aligned
        self.rgb = signed(aligned.rgb)
        self._pixels = to_tensor([aligned.rgb]).to(self.networks.device)

    @cached_property
    def matte(self) -> Matte:
        """``float32 (H, W)`` in [0, 1], the person in the portrait."""
        (matte,) = to_arrays(person_matte(self._pixels, self.networks))
        return matte

    @cached_property
    def person(self) -> Mask:
        """``bool (H, W)``, the same decided."""
        return np.asarray(self.matte >= self.settings.threshold)

    @cached_property
    def inversion(self) -> Inversion:
        """The portrait's code and distortion map."""
        method: Inverter = "hybrid" if self._refine else "e4e"
        return invert(self.networks.seen(self._pixels), self.networks, method, self._refine)

    @cached_property
    def inverted(self) -> Inverted:
        """The portrait with its inversion, as the layered edit takes them."""
        found = self.inversion
        same = edit(found.w_plus, found.distortion, torch.zeros(found.w_plus.shape[-1]), 0.0, self.networks)
        e4e, hfgi = (to_uint8(resize(rgb, len(self.rgb)))[0] for rgb in (same.e4e, same.hfgi))
        (distortion,) = found.distortion.float().cpu().numpy()
        return Inverted(self._aligned.rgb, self.matte, e4e, hfgi, found.w_plus[0], distortion)

    @cached_property
    def mesh(self) -> FaceMesh:
        """What finds the face whose motion is measured."""
        return FaceMesh()

    @cached_property
    def plate(self) -> Picture:
        """The portrait without its person."""
        return inpaint(self.rgb, person_mask(self.person, self.settings.dilate), self.inpainter)

    @cached_property
    def inpainter(self) -> Inpainter:
        """That of the set of models."""
        if self._inpainter == "patchmatch":
            return patch_match(Inpaint().ring)
        return network_inpainter(self.networks)

    def edited_person(self, turn: Turn) -> EditedPerson:
        """The layered edit of the person."""
        return edited_person(self.inverted, turn.low_rate, turn.matte, turn.step, 1.0, self.networks, self.mesh)

    def over_own_background(self, person: Picture, matte: Matte, turn: Turn) -> Cleaned:
        """An edit's person over the photo's background, filled where it is uncovered."""
        plate = layered_plate(self.rgb, self.matte, settled(matte), self.inpainter, self._grow)
        return Cleaned(split_composite(person, matte, plate), self._stitched(person, matte, turn))

    def _stitched(self, person: Picture, matte: Matte, turn: Turn) -> Stitched | None:
        """An edit's head on the photo's own body; None where no face is seen before or after."""
        seen = self.inverted.e4e, turn.low_rate
        before, after = (self.mesh.find(reduced(rgb, HEIGHT)) for rgb in seen)
        if before is None or after is None:
            return None
        return stitched(self.rgb, self.matte, person, matte, before, after, self.inpainter, self._grow)

    @torch.no_grad()
    def edited(self, degrees: Mapping[str, float]) -> Pictures:
        """All attributes moved by their degrees at once: edit, find the ripples, clean, paste back.

        ``degrees``: by the attribute's name, or the file of a direction; at least one.
        """
        steps = [degree * direction_of(self.networks, attribute) for attribute, degree in degrees.items()]
        step = torch.stack(torch.broadcast_tensors(*steps)).sum(dim=0)
        edited = edit(self.inversion.w_plus, self.inversion.distortion, step, 1.0, self.networks)
        rendered = resize(edited.hfgi.clamp(-1, 1), len(self.rgb))
        low_rate = to_uint8(resize(edited.e4e, len(self.rgb)))[0]
        (baseline,), (matte,) = to_arrays(rendered), to_arrays(person_matte(rendered, self.networks))
        after = matte >= self.settings.threshold
        mask = ripple_mask(self.person, after, dilate=self.settings.dilate)
        cleaned, head = CLEANERS[self.settings.method](self, Turn(step, baseline, matte, mask, low_rate))
        if head is None:
            head = Stitched(cleaned, halo(self.person | after | mask, scaled(PASTE_HALO, mask)))
        square = levels(head.rgb)
        pasted = paste_back(self._photo.rgb, square, self._aligned.transform, head.weight)
        return Pictures(levels(baseline), mask, levels(cleaned), square, pasted)


def _ripple_inpaint(editor: Editor, turn: Turn) -> Cleaned:
    filled = inpaint(turn.baseline, turn.mask, editor.inpainter, feather=0, hidden=settled(turn.matte) > 0)
    return Cleaned(ripple_inpaint(turn.baseline, turn.mask, filled, turn.matte, editor.settings.feather))


def _split_composite(editor: Editor, turn: Turn) -> Cleaned:
    return Cleaned(split_composite(turn.baseline, turn.matte, editor.plate))


def _layered(editor: Editor, turn: Turn) -> Cleaned:
    edited = editor.edited_person(turn)
    return editor.over_own_background(edited.layered, edited.matte, turn)


def _unripple(editor: Editor, turn: Turn) -> Cleaned:
    edited = editor.edited_person(turn)
    return editor.over_own_background(edited.detailed, edited.matte, turn)


#: The methods that clean an edit, by the name that ``--method`` takes (`cli.edit.Method`).
CLEANERS: Final[dict[str, Callable[[Editor, Turn], Cleaned]]] = {
    "ripple_inpaint": _ripple_inpaint,
    "split_composite": _split_composite,
    "layered": _layered,
    "unripple": _unripple,
}


def is_published(models: Path) -> bool:
    """Whether a folder of models holds the published ones."""
    return models.name == PUBLISHED.name or converted_file(models, "hfgi").is_file()
