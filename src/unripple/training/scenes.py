"""What the inpainter learns from: plates with holes, some with a person who stands beside the hole.

All pictures lie on the device that trains, and a batch is made there: a GPU does not wait for the processor.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unripple.files.pictures import Rgb
from unripple.known_plate.plates import training_plate
from unripple.models.devices import fast_dtype
from unripple.networks.w_space import CodeSampler
from unripple.training import masks, matted_faces, rendered_faces, turned_faces
from unripple.training.augment import Dice, recoloured, signed
from unripple.weights.lite import load_direction, load_generator, load_mapping, load_parser

#: Of the persons, unlike those of any other training.
PERSONS_SEED = 500
#: Plates that are worth another process, which takes seconds to start.
PLATES_EACH = 400


@dataclass(frozen=True)
class Scenes:
    """Plates uint8 (P, H, W, 3), persons' pictures uint8 (N, H, W, 3) and their mattes uint8 (N, H, W)."""

    plates: Tensor
    pictures: Tensor
    mattes: Tensor

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))

    def batch(self, seed: int, step: int, count: int, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """Targets ``rgb float (B, 3, H, W)`` and holes, bool (B, 1, H, W), of one step; sides divided by ``reduce``.

        A person is never under a hole. Of ten holes three are whole persons in a plate, two are bands in a plate, five
        are bands beside a person, who stands before a plate or, in three of them, before a background of their own.
        """
        dice = Dice(seed, step, self.plates.device)
        background, picture, matte = self._drawn(dice, count, reduce)
        silhouette, kind = matte > 0.5, dice.uniform(0, 1, count, 1, 1, 1)
        alone = kind < 0.5
        band = masks.band(silhouette, dice, spared=(matte > 0.2) & ~alone)
        hole = torch.where(kind < 0.3, masks.whole(silhouette, dice), band)
        beside = torch.where(kind < 0.65, picture, torch.lerp(background, picture, matte))
        return recoloured(torch.where(alone, background, beside), dice), hole

    def _drawn(self, dice: Dice, count: int, reduce: int) -> tuple[Tensor, Tensor, Tensor]:
        """Plates and persons ``(B, 3, H, W)`` and their mattes ``(B, 1, H, W)``, each mirrored by chance."""
        device = self.plates.device
        where, who = (dice.index(len(x), count).to(device, non_blocking=True) for x in (self.plates, self.pictures))
        background = signed(self.plates[where])
        person = torch.cat((signed(self.pictures[who]), self.mattes[who][:, None].float() / 255), dim=1)
        background, person = (torch.where(dice.coin(0.5, count), x.flip(-1), x) for x in (background, person))
        if reduce > 1:
            background, person = (F.avg_pool2d(x, reduce) for x in (background, person))
        return background, person[:, :3], person[:, 3:]


def plates(count: int, size: int = 256, seed: int = 0) -> Tensor:
    """Training plates ``uint8 (count, size, size, 3)``, made by several processes where there are many.

    Each is a function of its number and the seed alone.
    """
    workers = min(os.cpu_count() or 1, count // PLATES_EACH)
    if workers < 2:
        return torch.from_numpy(np.stack([_plate(seed, number, size) for number in range(count)]))
    # Spawned: a process that has started a GPU must not be forked.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _one_thread) as pool:
        made = pool.map(_plate, [seed] * count, range(count), [size] * count, chunksize=1 + count // (8 * workers))
        return torch.from_numpy(np.stack(list(made)))


def _plate(seed: int, number: int, size: int) -> Rgb:
    return training_plate(np.random.default_rng((seed, number)), size)


def _one_thread() -> None:
    cv2.setNumThreads(1)


def rendered_persons(models: Path, count: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """As `matted_faces.load`, without a teacher: faces of the generator, mattes of the embedded parser."""
    generator = load_generator(models).to(device, fast_dtype(device)).to(memory_format=torch.channels_last)
    sampler = CodeSampler(load_mapping(models), seed=PERSONS_SEED, truncation=rendered_faces.TRUNCATION)
    pose = load_direction(models, "pose")
    rgb = rendered_faces.render_chunk(PERSONS_SEED, generator, sampler, pose, count)["rgb"].astype(np.uint8, copy=False)
    mattes = turned_faces.mattes(load_parser(models).to(device), rgb)
    sure = torch.tensor([matted_faces.doubts(one) <= matted_faces.DOUBTS for one in mattes])
    held_out = matted_faces.held_out(count)
    return torch.from_numpy(rgb)[sure], torch.from_numpy(mattes)[sure], held_out[sure]
