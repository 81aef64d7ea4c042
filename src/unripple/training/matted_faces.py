"""Rendered faces with the teacher's mattes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unripple.training import teacher

#: Every so many-th person of a chunk is never trained on.
HELD_OUT_EVERY = 20
#: Where the teacher is grey over more than this share of a picture, away from the outline, it did not know: three in
#: ten portraits, turned ones more often, whose shoulders it guesses.
DOUBTS = 0.005


def doubts(matte: npt.NDArray[np.uint8]) -> float:
    """Share of a matte ``uint8 (H, W)`` that is neither person nor background, more than 3 px from the outline."""
    person = (matte > 127).astype(np.uint8)
    apart = np.maximum(*(cv2.distanceTransform(side, cv2.DIST_L2, 3) for side in (person, 1 - person)))
    return float(((matte > 25) & (matte < 230) & (apart > 3)).mean())


def held_out(count: int) -> Tensor:
    """Which of the ``count`` persons of a chunk are never trained on: bool (count,)."""
    return torch.arange(count) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


def load(folder: Path, limit: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures uint8 (N, 256, 256, 3) RGB, mattes uint8 (N, 256, 256), held out bool (N,); of ``limit`` chunks.

    Portraits of which the teacher was in doubt are left out, and chunks that it has not seen. Raises
    ``FileNotFoundError`` if that leaves none, ``ValueError`` if a chunk and its mattes do not match.
    """
    pictures: list[Tensor] = []
    mattes: list[Tensor] = []
    apart: list[Tensor] = []
    for chunk in sorted(folder.glob(f"{teacher.FACES}*.npz")):
        beside = teacher.mattes_of(chunk)
        if not beside.exists() or (limit is not None and len(pictures) == limit):
            continue
        with np.load(chunk) as faces, np.load(beside) as taught:
            rgb, matte = faces["rgb"], taught["matte"]
        if rgb.dtype != np.uint8 or matte.dtype != np.uint8 or rgb.shape[:3] != matte.shape:
            raise ValueError(
                f"{beside}: expected uint8 {rgb.shape[:3]} for {chunk.name}, found {matte.dtype} {matte.shape}; "
                "delete it and run unripple.training.teacher again"
            )
        sure = torch.tensor([doubts(one) <= DOUBTS for one in matte])
        pictures.append(torch.from_numpy(rgb)[sure])
        mattes.append(torch.from_numpy(matte)[sure])
        apart.append(held_out(len(rgb))[sure])
    if not pictures:
        raise FileNotFoundError(
            f"{folder}: expected {teacher.FACES}NNN.npz with the teacher's {teacher.MATTES}NNN.npz beside them, "
            "found none; run unripple.training.rendered_faces, then unripple.training.teacher"
        )
    return torch.cat(pictures), torch.cat(mattes), torch.cat(apart)
