"""Photos of rendered faces, made on the training's device from step to step: no training sees one twice.

A face as it was rendered, or before a random plate; a little aside, as landmarks align it; some degraded as photos are.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unripple.networks.parser import Parser
from unripple.training.augment import Dice, degraded, moved, signed
from unripple.training.rendered_faces import chunks

#: Share of the photos that stand before a plate, and one of how many is degraded.
BEFORE_PLATES, DEGRADED = 0.5, 4


class Photos(NamedTuple):
    """``rgb``, and the face as ``rendered``: ``float (B, 3, 256, 256)`` in [-1, 1]; ``matte (B, 1, 256, 256)`` of the
    rendered person in [0, 1]; ``w (B, 512)``, the true codes.
    """

    rgb: Tensor
    rendered: Tensor
    matte: Tensor
    w: Tensor


class Faces(NamedTuple):
    """``rgb uint8 (N, 256, 256, 3)``, ``matte uint8 (N, 256, 256)`` and ``w float32 (N, 512)``, on one device."""

    rgb: Tensor
    matte: Tensor
    w: Tensor

    def part(self, which: slice) -> Faces:
        """Some of them."""
        return Faces(*(one[which] for one in self))


@torch.no_grad()
def load_faces(folder: Path, parser: Parser) -> Faces:
    """All rendered faces of a folder, with the persons that the parser finds, on its device."""
    device, found = next(parser.parameters()).device, []
    with ThreadPoolExecutor() as readers:  # zlib is what takes the time
        for rgb, w in readers.map(_read, chunks(folder)):
            pictures = rgb.to(device)
            mattes = [parser(signed(some)).mul(255).round().to(torch.uint8)[:, 0] for some in pictures.split(50)]
            found.append((pictures, torch.cat(mattes), w.to(device)))
    return Faces(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _read(file: Path) -> tuple[Tensor, Tensor]:
    with np.load(file) as chunk:
        return torch.from_numpy(chunk["rgb"]), torch.from_numpy(chunk["w"])


class Photographer:
    """Takes photos of faces, each draw a function of its seed alone."""

    def __init__(self, faces: Faces, plates: Tensor) -> None:
        """``plates uint8 (P, 256, 256, 3)``: as `scenes.plates` makes them."""
        self.faces, self.plates = faces, plates.to(faces.rgb.device)

    def take(self, dice: Dice, count: int) -> Photos:
        """``count`` photos of random faces."""
        return self.photos(dice.index(len(self.faces.w), count), dice)

    def photos(self, chosen: Tensor, dice: Dice) -> Photos:
        """Photos of the faces ``chosen (B,)``."""
        count, device = len(chosen), self.plates.device
        rgb, matte, w = (one[chosen.to(device)] for one in self.faces)
        rendered, matte = signed(rgb), matte[:, None].float() / 255
        plates = signed(self.plates[dice.index(len(self.plates), count).to(device)])
        before = torch.lerp(plates, rendered, matte)
        photo = torch.where(dice.coin(BEFORE_PLATES, count), before, rendered)
        photo = moved(photo, dice, zoom=(0.98, 1.02), turn=1.0, shift=0.008, mirror=0.0)
        if worse := count // DEGRADED:  # the first, who are random faces as all are
            photo[:worse] = degraded(photo[:worse], dice)
        return Photos(photo, rendered, matte, w)
