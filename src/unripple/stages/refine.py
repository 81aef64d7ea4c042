"""Refine codes that an encoder guessed by gradient steps, so that they render to the photo's person."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import ModelSet
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import principal_axes

#: Adam's step; it falls to a tenth over the last steps.
RATE = 0.07
#: Steps are taken along the principal axes of W, each scaled by its variance to this power. At 0 all of W's directions
#: are alike, and steps are lost in those that change nothing; at 1/2 W is white, and what is rare (long hair) stays.
SCALING = 0.2
#: Weight of the squared error beside the perceptual distance, and of the background beside the person.
SQUARED, BACKGROUND = 0.5, 0.1


def encode_refined(photo: Tensor, steps: int, models: ModelSet) -> Tensor:
    """The encoder's codes, refined: ``(B, 3, 256, 256)`` -> ``(B, 18, 512)``; see ``refine``.

    One photo after the other: the last digit of a code depends on the batch that the encoder had.
    """
    return torch.cat([refine(one, models.encoder(one), steps, models) for one in photo.split(1)])


def refine(photo: Tensor, w_plus: Tensor, steps: int, models: ModelSet) -> Tensor:
    """Move codes within W towards what renders to the photo: perceptual and squared error, mostly over the person.

    The hybrid of encoder and optimisation of Zhu et al. (ECCV 2016, section 3.2): the encoder gives the start, a few
    steps keep near it. All rows stay equal, so the result is a code of W and can be edited like the encoder's. Each
    photo of a batch is refined as if it were alone.

    Args:
        photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        w_plus: ``float32 (B, 18, 512)``, rows equal.
        steps: gradient steps; 0 returns ``w_plus``.
        models: the networks.
    """
    if steps == 0:
        return w_plus
    if not torch.equal(w_plus, rows(w_plus[:, 0])):
        raise ValueError("w_plus: expected codes of W, equal in all rows; an encoder into W+ has none to refine")
    network = models.perceptual
    with torch.no_grad():
        weight = models.parser(photo).clamp(min=BACKGROUND)
        weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True)
        wanted = network.features(photo)
    start, axes = w_plus[:, 0], principal_axes(models.mapping, SCALING).to(w_plus)
    with torch.enable_grad():
        moved = torch.zeros_like(start, requires_grad=True)  # (B, 512), along the axes
        optimizer = torch.optim.Adam([moved], RATE, betas=(0.9, 0.99))
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, 0.1 + 1.5 * (1 - step / steps))
            made = models.small_picture(rows(start + moved @ axes))
            perceptual = network.distance_map(network.features(made), wanted, (256, 256))
            error = perceptual + SQUARED * (made - photo).square().mean(dim=1, keepdim=True)
            optimizer.zero_grad()
            (weight * error).mean(dim=(1, 2, 3)).sum().backward()
            optimizer.step()
    return rows((start + moved @ axes).detach())
