"""Where an after-image shows, found by a network: HFGI's paper leaves the idea open (Wang et al., CVPR 2022, 5.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import ModelSet


@torch.no_grad()
def found_ripples(photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor, models: ModelSet) -> Tensor:
    """How surely an after-image shows, ``float32 (B, 1, H, W)`` in [0, 1].

    Args:
        photo: the portraits, ``float32 (B, 3, H, W)`` in [-1, 1].
        inversion: their low-rate inversions, like all others of the same shape.
        edit: HFGI's edits.
        low_rate_edit: without the consultation.
        models: the networks.
    """
    pictures = (rgb.to(models.device) for rgb in (photo, inversion, edit, low_rate_edit))
    return models.ripples(*pictures).float()
