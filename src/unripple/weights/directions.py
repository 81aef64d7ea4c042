"""Directions of W from files that users bring."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from unripple.networks.mobile_stylegan import STYLE_DIM, STYLE_ROWS
from unripple.weights.published import checkpoints
from unripple.weights.published.manifest import WeightsError

_SHAPES: Final = ((STYLE_DIM,), (STYLE_ROWS, STYLE_DIM))


def read_direction(file: Path) -> Tensor:
    """The direction in a ``.pt``, ``.npy`` or ``.safetensors`` file, with one tensor in it.

    Returns:
        ``float32 (512,)``, or ``(18, 512)`` where each row of ``w_plus`` moves its own way. As long as it is in the
        file: the degrees of an edit are steps of this length.

    Raises:
        WeightsError: the file is damaged, or holds something else.
        FileNotFoundError: it is not there.
    """
    if not file.is_file():
        raise FileNotFoundError(2, "no such file", str(file))
    found = _tensor(file)
    while found.ndim > 1 and len(found) == 1:
        found = found[0]
    if tuple(found.shape) not in _SHAPES or not bool(torch.isfinite(found).all()):
        raise WeightsError(
            f"{file}: expected a direction, ({STYLE_DIM},) or ({STYLE_ROWS}, {STYLE_DIM}), of finite numbers, found"
            f" {tuple(found.shape)}{'' if bool(torch.isfinite(found).all()) else ' with some that are not'}"
        )
    return found.float()


def _tensor(file: Path) -> Tensor:
    if file.suffix == ".npy":
        try:
            return torch.from_numpy(np.asarray(np.load(file, allow_pickle=False), np.float32))
        except (ValueError, EOFError) as error:
            raise WeightsError(f"{file}: not an array of NumPy: {error}") from error
    if file.suffix == ".safetensors":
        try:
            tensors = load_file(file)
        except SafetensorError as error:
            raise WeightsError(f"{file}: not a safetensors file: {error}") from error
        if len(tensors) != 1:
            raise WeightsError(f"{file}: expected one tensor, found {len(tensors)}: {', '.join(sorted(tensors)[:5])}")
        return next(iter(tensors.values()))
    found = checkpoints.load(file)
    if not isinstance(found, Tensor):
        raise WeightsError(f"{file}: expected a tensor, found {type(found).__name__}")
    return found
