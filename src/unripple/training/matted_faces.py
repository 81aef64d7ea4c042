"""Rendered faces with the teacher's mattes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unripple.training import teacher

#: Every so many-th person of a chunk is never trained on.
HELD_OUT_EVERY = 20


def load(folder: Path, limit: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures uint8 (N, 256, 256, 3) RGB, mattes uint8 (N, 256, 256), held out bool (N,); of ``limit`` chunks.

    Chunks that the teacher has not seen are left out. Raises ``FileNotFoundError`` if that leaves none, ``ValueError``
    if a chunk and its mattes do not match.
    """
    pictures: list[Tensor] = []
    mattes: list[Tensor] = []
    held_out: list[Tensor] = []
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
        pictures.append(torch.from_numpy(rgb))
        mattes.append(torch.from_numpy(matte))
        held_out.append(torch.arange(len(rgb)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1)
    if not pictures:
        raise FileNotFoundError(
            f"{folder}: expected {teacher.FACES}NNN.npz with the teacher's {teacher.MATTES}NNN.npz beside them, "
            "found none; run unripple.training.rendered_faces, then unripple.training.teacher"
        )
    return torch.cat(pictures), torch.cat(mattes), torch.cat(held_out)
