"""Pictures as tensors: ``float32 (B, 3, H, W)`` in [-1, 1], RGB; and tensors in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from unripple.files.atomic import atomic
from unripple.files.pictures import Rgb


def to_tensor(pictures: Sequence[Rgb]) -> Tensor:
    """``uint8 (H, W, 3)`` of equal size -> ``float32 (B, 3, H, W)`` in [-1, 1]."""
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        raise ValueError(f"expected one or more pictures of one size, found sizes {sorted(shapes)}")
    batch = torch.from_numpy(np.stack(pictures))  # (B, H, W, 3)
    return batch.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format) / 127.5 - 1


def to_uint8(rgb: Tensor) -> NDArray[np.uint8]:
    """``float (B, 3, H, W)`` in [-1, 1], clipped and rounded -> ``uint8 (B, H, W, 3)``. Inverse of `to_tensor`."""
    levels = ((rgb.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_arrays(batch: Tensor) -> list[NDArray[np.float32]]:
    """``float (B, 3, H, W)`` or ``(B, 1, H, W)`` -> for each item ``float32 (H, W, 3)`` or ``(H, W)``, as they are."""
    arrays = batch.detach().float().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return [array[..., 0] if array.shape[-1] == 1 else array for array in arrays]


def to_256(rgb: Tensor) -> Tensor:
    """What HFGI's encoders look at: clamp to [-1, 1], then bilinear to 256x256 *without* antialiasing.

    ``rgb: float (B, 3, H, W)`` -> ``float (B, 3, 256, 256)``.
    """
    return F.interpolate(rgb.clamp(-1, 1), size=(256, 256), mode="bilinear", align_corners=False)


def resize(picture: Tensor, size: int) -> Tensor:
    """Antialiased bilinear for storage and looking: ``float (B, C, H, W)`` -> ``float (B, C, size, size)``."""
    if picture.shape[-2:] == (size, size):
        return picture
    return F.interpolate(picture, size=(size, size), mode="bilinear", align_corners=False, antialias=True)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors by name as safetensors with ``metadata`` in the file's header; atomic.

    The file may be read by whoever may read other files of the folder: weights are shared.
    """
    with atomic(path) as part:
        part.touch()
        mode = part.stat().st_mode
        save_file(dict(tensors), part, metadata=dict(metadata))  # for its owner alone
        part.chmod(mode)
