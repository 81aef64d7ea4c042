"""Pivotal tuning: the generator itself is tuned until a photo's code, the pivot, renders to the photo.

Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", ACM TOG 2022. Section 3.2: all weights by Adam
with rate 3e-4, squared error and a perceptual distance, 350 steps. Section 3.3, locality regularisation: what codes
near the pivot render to shall stay, with weight .1; they lie 30 from the pivot towards random codes. The perceptual
distance is ST-LPIPS, which ships with a package, instead of LPIPS, and both are taken at 256 px.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Final

import torch
from torch import Tensor, nn

from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.networks.mobile_stylegan import STYLE_DIM
from unripple.networks.moved import flat
from unripple.stages.likeness import unlikeness

#: Adam's step, in units of a tensor's root mean square up to 1. Of StyleGAN2's equalised weights that is 1, as in the
#: paper; in MobileStyleGAN the gain is part of the weights, and the same step would be a hundredth of them.
RATE: Final = 3e-4
#: How far the codes of the regularisation lie from the pivot, and its weight.
NEAR: Final = 30.0
LOCALITY: Final = 0.1
#: Of the random codes: the same for every photo.
SEED: Final = 0


def tuned(photo: Tensor, pivot: Tensor, models: ModelSet, steps: int) -> Tensor:
    """How far each weight of the generator moved for one photo.

    Args:
        photo: ``float32 (1, 3, 256, 256)`` in [-1, 1].
        pivot: its code, ``float32 (1, 18, 512)``.
        models: the networks; none of them is changed.
        steps: of the tuning; 0 moves nothing.

    Returns:
        ``float16 (P,)``, for `models.tuned.tuned`.
    """
    plain = models.generator
    generator = deepcopy(plain)
    assert isinstance(generator, nn.Module) and isinstance(plain, nn.Module)
    start = flat(plain)
    random = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        wanted = models.perceptual.features(photo)
    with torch.enable_grad():
        generator.requires_grad_(True)
        optimizer = torch.optim.Adam(
            [
                {"params": [parameter], "lr": RATE * min(1.0, float(parameter.detach().square().mean().sqrt()))}
                for parameter in generator.parameters()
            ]
        )
        for _ in range(steps):
            beside = near(pivot, models, random)
            with torch.no_grad():
                kept = to_256(plain(beside))
                features = models.perceptual.features(kept)
            optimizer.zero_grad()
            unlikeness(to_256(generator(pivot)), photo, wanted, models).backward()
            (LOCALITY * unlikeness(to_256(generator(beside)), kept, features, models)).backward()
            optimizer.step()
    return (flat(generator) - start).half()


def near(pivot: Tensor, models: ModelSet, random: torch.Generator) -> Tensor:
    """A code ``(1, 18, 512)`` at distance `NEAR` from the pivot, towards a random one of W."""
    with torch.no_grad():
        drawn = models.mapping(torch.randn(1, STYLE_DIM, generator=random).to(pivot))
    way = drawn[:, None] - pivot
    return pivot + NEAR * way / way.norm()
