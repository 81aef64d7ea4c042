"""Shift-tolerant LPIPS on AlexNet (Ghildyal and Liu, ECCV 2022), with a map that can be averaged over a region."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from unripple.files.pictures import Rgb
from unripple.metrics.arrays import Field, Vector, check_rgb
from unripple.networks.st_alexnet import StLpips

#: Pictures are reduced to this side: the distance depends on the scale, so the scale is fixed.
SIDE = 256


def prepare(rgb: Rgb) -> Tensor:
    """``uint8 (H, W, 3)`` -> ``float32 (1, 3, 256, 256) in [-1, 1]``, reduced by area."""
    check_rgb("picture", rgb)
    small = cv2.resize(rgb.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small / 127.5 - 1).permute(2, 0, 1)[None].contiguous()


@torch.inference_mode()
def st_lpips_map(a: list[Tensor], b: list[Tensor], network: StLpips) -> Field:
    """ST-LPIPS of two pictures as a map: ``float32 (256, 256)``; its mean is the published distance at 256.

    ``a``, ``b``: what ``network.features`` gave for each as `prepare` gives it.
    """
    return np.asarray(network.distance_map(a, b, (SIDE, SIDE))[0, 0].cpu(), dtype=np.float32)


def pooled(layers: Sequence[Tensor]) -> Vector:
    """One picture in few numbers, ``float32 (256,)``: the mean over all places of the fifth layer of its features.

    ``layers``: what ``StLpips.features`` gave for one picture. Sets of such vectors have distances.
    """
    return np.asarray(layers[-1].mean(dim=(2, 3))[0].cpu(), dtype=np.float32)
