"""Where the person is."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import ModelSet


@torch.no_grad()
def person_matte(rgb: Tensor, models: ModelSet) -> Tensor:
    """``rgb float32 (B, 3, H, W) in [-1, 1]`` -> soft matte of the person, ``float32 (B, 1, H, W)`` in [0, 1]."""
    return models.parser(rgb.to(models.device)).float()
