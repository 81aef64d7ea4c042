"""Refine codes that an encoder guessed by gradient steps, so that they render to the photo's person."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unripple.models import ModelSet
from unripple.networks.descent import Descent
from unripple.networks.mobile_stylegan import rows

#: A step's length along each axis; it falls to a tenth over the last steps.
RATE = 0.14
#: How much of the mean gradient, and of its mean square, a step keeps of those before it.
MOMENTUM, MEMORY = 0.7, 0.99
#: What is known of the gradients' squares beforehand counts like this many steps.
EXPERIENCE = 8
#: Weight of the squared error beside the perceptual distance, and of the background beside the person.
SQUARED, BACKGROUND = 1.5, 0.03

#: Called with the gradient ``(B, 512)`` of every step.
Notice = Callable[[Tensor], None]


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
    return rows(descend(photo, w_plus[:, 0], steps, models, models.descent))


def descend(
    photo: Tensor, start: Tensor, steps: int, models: ModelSet, along: Descent, notice: Notice | None = None
) -> Tensor:
    """Codes ``(B, 512)`` after some steps along given axes: Adam's (Kingma and Ba, 2015), with squares from experience.

    Without that, a first step has one length along every axis, whether it matters or not.

    Args:
        photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        start: ``float32 (B, 512)``, codes of W.
        steps: gradient steps.
        models: the networks.
        along: the axes, and what is known of the gradients along them.
        notice: is handed the gradient of every step.
    """
    network, (axes, expected) = models.perceptual, along.to(start)
    with torch.no_grad():
        weight = models.parser(photo).clamp(min=BACKGROUND)
        weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True)
        wanted = network.features(photo)
    moved, mean, squares, count = (torch.zeros_like(start) for _ in range(4))
    for step in range(steps):
        with torch.enable_grad():
            made = models.preview(rows(start + moved.requires_grad_() @ axes))
            perceptual = network.distance_map(network.features(made), wanted, (256, 256))
            error = perceptual + SQUARED * (made - photo).square().mean(dim=1, keepdim=True)
            (gradient,) = torch.autograd.grad((weight * error).mean(dim=(1, 2, 3)).sum(), moved)
        if notice is not None:
            notice(gradient)
        mean = MOMENTUM * mean + (1 - MOMENTUM) * gradient
        squares, count = MEMORY * squares + gradient.square(), MEMORY * count + 1
        known = EXPERIENCE * expected * squares.mean(dim=1, keepdim=True) / count
        spread = ((known + squares) / (EXPERIENCE + count)).sqrt()
        rate = RATE * min(1.0, 0.1 + 1.5 * (1 - step / steps)) / (1 - MOMENTUM ** (step + 1))
        moved = moved.detach() - rate * mean / spread
    return start + moved @ axes
