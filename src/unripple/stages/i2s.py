"""Image2StyleGAN: a photo's code by optimisation alone, from the mean code, in W+.

Abdal, Qin and Wonka, "Image2StyleGAN: How to Embed Images Into the StyleGAN Latent Space?", ICCV 2019, section 5: Adam
with rate .01, 5,000 steps, squared error and a perceptual loss at 256 px. The perceptual distance here is ST-LPIPS,
which ships with a package, instead of VGG-16's features.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from unripple.models import ModelSet
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import mean_code
from unripple.stages.likeness import unlikeness

#: The paper's steps and rate. Fewer are longer ones, by the square root as a walk at random asks, up to the longest.
STEPS: Final = 5000
RATE: Final = 0.01
LONGEST: Final = 0.1


def i2s(photo: Tensor, steps: int, models: ModelSet) -> Tensor:
    """Codes ``(B, 18, 512)`` of photos ``float32 (B, 3, 256, 256)`` in [-1, 1], each as if it were alone.

    ``steps``: 0 leaves every photo at the mean code.
    """
    mean = rows(mean_code(models.mapping)[None].to(photo))
    return torch.cat([_embedded(one, mean, steps, models) for one in photo.split(1)])


def _embedded(photo: Tensor, start: Tensor, steps: int, models: ModelSet) -> Tensor:
    with torch.no_grad():
        wanted = models.perceptual.features(photo)
    with torch.enable_grad():
        w_plus = start.clone().requires_grad_(True)
        rate = min(LONGEST, RATE * math.sqrt(STEPS / max(steps, 1)))
        optimizer = torch.optim.Adam([w_plus], rate, betas=(0.9, 0.999))
        for _ in range(steps):
            optimizer.zero_grad()
            unlikeness(models.small_picture(w_plus), photo, wanted, models).backward()
            optimizer.step()
    return w_plus.detach()
