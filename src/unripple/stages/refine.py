"""Refine codes that an encoder guessed by gradient steps, so that they render to the photo's person."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from unripple.models import ModelSet
from unripple.networks.mobile_stylegan import rows

#: From coarse to fine: side of the preview, and its share of the steps. Coarse steps are cheap and go far.
SCHEDULE = ((64, 0.55), (128, 0.35), (256, 0.1))
#: Adam's step in W, whose coordinates spread by about one; it falls to a tenth over the last steps.
RATE = 0.05
#: Weight of the squared error beside the perceptual distance, and of the background beside the person.
SQUARED, BACKGROUND = 0.5, 0.1


def sides(steps: int) -> list[int]:
    """The side at which each step looks: every step has one, and the finest is left out last."""
    found: list[int] = []
    for side, share in reversed(SCHEDULE):
        found = [side] * min(steps - len(found), max(1, round(share * steps))) + found
    return [SCHEDULE[0][0]] * (steps - len(found)) + found


def encode_refined(photo: Tensor, steps: int, models: ModelSet) -> Tensor:
    """The encoder's codes, refined: ``(B, 3, 256, 256)`` -> ``(B, 18, 512)``; see ``refine``.

    One photo after the other: the last digit of a code depends on the batch that the encoder had.
    """
    return torch.cat([refine(one, models.encoder(one), steps, models) for one in photo.split(1)])


def refine(photo: Tensor, w_plus: Tensor, steps: int, models: ModelSet) -> Tensor:
    """Move codes within W towards what renders to the photo: perceptual and squared error, mostly over the person.

    The hybrid of encoder and optimisation of Zhu et al. (ECCV 2016, section 3.2): the encoder gives the start, a few
    steps keep near it. All rows stay equal, so the result is a code of W and can be edited like the encoder's. The
    steps look at the generator's preview, at 64 px first and at 256 px last. Each photo of a batch is refined as if it
    were alone.

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
    with torch.no_grad():
        person = models.parser(photo).clamp(min=BACKGROUND)
    goals = {side: _Goal(photo, person, side, models) for side in set(sides(steps))}
    with torch.enable_grad():
        w = w_plus[:, 0].clone().requires_grad_()
        optimizer = torch.optim.Adam([w], RATE, betas=(0.9, 0.99))
        for step, side in enumerate(sides(steps)):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, 0.1 + 1.5 * (1 - step / steps))
            optimizer.zero_grad()
            goals[side].distance(models.preview(rows(w), side)).sum().backward()
            optimizer.step()
    return rows(w.detach())


class _Goal:
    """The photo at one side, and how far a preview is from it."""

    @torch.no_grad()
    def __init__(self, photo: Tensor, person: Tensor, side: int, models: ModelSet) -> None:
        cell = photo.shape[-1] // side
        weight = F.avg_pool2d(person, cell)
        self.perceptual = models.perceptual
        self.photo = F.avg_pool2d(photo, cell)
        self.weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True)
        self.features = self.perceptual.features(self.photo)

    def distance(self, made: Tensor) -> Tensor:
        """``made (B, 3, side, side)`` -> one number for each, ``(B,)``."""
        side = made.shape[-1]
        perceptual = self.perceptual.distance_map(self.perceptual.features(made), self.features, (side, side))
        error = perceptual + SQUARED * (made - self.photo).square().mean(dim=1, keepdim=True)
        return (self.weight * error).mean(dim=(1, 2, 3))
