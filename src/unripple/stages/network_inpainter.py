"""The inpainting network of a set of models, as an inpainter of arrays."""

from __future__ import annotations

import numpy as np
import torch

from unripple.files.pictures import Mask
from unripple.models import ModelSet
from unripple.stages.composite import Picture
from unripple.stages.inpaint import Inpainter


def network_inpainter(models: ModelSet) -> Inpainter:
    """The set's inpainter, see `unripple.stages.inpaint.Inpainter`."""

    @torch.no_grad()
    def inpainter(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
        pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].contiguous()  # (1, 3, H, W)
        filled = models.inpainter(
            pixels.to(models.device), torch.from_numpy(hole | hidden)[None, None].to(models.device)
        )
        return np.ascontiguousarray(filled[0].permute(1, 2, 0).float().cpu().numpy())

    return inpainter
