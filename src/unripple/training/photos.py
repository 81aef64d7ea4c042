"""Photos of a folder, such as FFHQ, for a training that can be resumed at any step and run on several devices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision import transforms

from unripple.photos.decoding import PhotoRefused, read_photo
from unripple.photos.folder import PICTURES, is_picture


class Draw(NamedTuple):
    """One photo of a step: its number, and whether it is mirrored."""

    photo: int
    mirrored: bool


class Photos(Dataset[Tensor]):
    """Aligned photos below a folder: ``photos[Draw(3, False)]`` is ``rgb float32 (3, size, size) in [-1, 1]``.

    Made smaller by torchvision's bilinear filter, which is antialiased for pictures.

    Raises:
        FileNotFoundError: the folder has no photo.
        ValueError: a photo cannot be used; the message names it.
    """

    def __init__(self, folder: Path, size: int = 256) -> None:
        self.files = sorted(file for file in folder.rglob("*") if is_picture(file.relative_to(folder)))
        if not self.files:
            raise FileNotFoundError(
                f"{folder}: expected photos ({', '.join(PICTURES)}) in it or in folders below, found none; HFGI was"
                " trained on the 70,000 aligned photos of FFHQ (images1024x1024)"
            )
        self.transform: Any = transforms.Compose(
            (
                transforms.ToPILImage(),
                transforms.Resize((size, size)),
                transforms.ToTensor(),
                transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
            )
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, draw: Draw) -> Tensor:
        file = self.files[draw.photo]
        try:
            rgb: Tensor = self.transform(read_photo(file).rgb)
        except PhotoRefused as refused:
            raise ValueError(f"{file}: {refused.reason}; take it out of the training's folder") from refused
        return rgb.flip(-1) if draw.mirrored else rgb


class Draws(Sampler[list[Draw]]):
    """What each step sees, from step ``first`` on: shuffled epoch after epoch, every second photo mirrored by chance.

    A draw depends on the seed and on its place in the whole training alone, so a resumed run sees what an unbroken one
    sees. Each of ``world`` processes gets its ``rank``-th part of the batch; together they see what one alone would.

    Raises:
        ValueError: the batch cannot be divided by the processes.
    """

    def __init__(
        self, photos: int, batch: int, steps: int, *, seed: int, first: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        if batch % world:
            raise ValueError(f"batch: expected a multiple of the {world} processes, found {batch}")
        self.photos, self.batch, self.steps, self.seed, self.first = photos, batch, steps, seed, first
        self.share, self.rank = batch // world, rank

    def __iter__(self) -> Iterator[list[Draw]]:
        for step in range(self.first, self.steps):
            start = step * self.batch + self.rank * self.share
            yield [self.draw(place) for place in range(start, start + self.share)]

    def __len__(self) -> int:
        return self.steps - self.first

    def draw(self, place: int) -> Draw:
        """The draw at a place in the whole training."""
        epoch, within = divmod(place, self.photos)
        mirrored = np.random.default_rng((self.seed, 1, place)).random() < 0.5
        return Draw(int(_order(self.photos, self.seed, epoch)[within]), bool(mirrored))


@lru_cache(maxsize=2)
def _order(photos: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng((seed, 0, epoch)).permutation(photos)


def loader(photos: Photos, draws: Draws, workers: int) -> DataLoader[Tensor]:
    """Batches ``float32 (share, 3, size, size)``, read by ``workers`` processes."""
    return DataLoader(photos, batch_sampler=draws, num_workers=workers, pin_memory=torch.cuda.is_available())
