"""Where the person is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unripple.files.tensors import resize
from unripple.models import ModelSet
from unripple.settings.parsing import WHOLE, Parsing


@torch.no_grad()
def person_matte(rgb: Tensor, models: ModelSet, parsing: Parsing = WHOLE) -> Tensor:
    """``rgb float32 (B, 3, H, W) in [-1, 1]`` -> soft matte of the person, ``float32 (B, 1, H, W)`` in [0, 1].

    ``parsing``: how the parser is run; by default on the pictures as they are, at all scales that it has.
    """
    size, side = rgb.shape[-2:], parsing.side
    if side is None or side >= max(size):
        return models.parser(rgb.to(models.device), parsing.scales).float()
    matte = models.parser(resize(rgb, side).to(models.device), parsing.scales).float()
    return F.interpolate(matte, size, mode="bilinear", align_corners=False)
