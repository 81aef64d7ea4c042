"""Refine codes that an encoder guessed by a few gradient steps, so that they render to the photo's person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from unripple.images import to_256
from unripple.models import ModelSet
from unripple.networks.mobile_stylegan import rows

#: Adam's step in W, whose coordinates spread by about one; it falls to a tenth over the last steps.
RATE = 0.05
#: Weight of the squared error beside the perceptual distance, and of the background beside the person.
SQUARED, BACKGROUND = 0.5, 0.1
#: On a CPU: see ``fixed_threads``.
THREADS = 2


def encode_refined(photo: Tensor, steps: int, models: ModelSet) -> Tensor:
    """The encoder's codes, refined: ``(B, 3, 256, 256)`` -> ``(B, 18, 512)``; see ``refine``.

    One photo after the other: the last digit of a code depends on the batch that the encoder had.
    """
    with fixed_threads():
        return torch.cat([refine(one, models.encoder(one), steps, models) for one in photo.split(1)])


@contextmanager
def fixed_threads() -> Iterator[None]:
    """The same number of threads on every machine and in every job.

    Sums in bfloat16 depend on how they are split, and Adam's first step is the gradient's sign: one digit more or
    less ends as another picture.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def refine(photo: Tensor, w_plus: Tensor, steps: int, models: ModelSet) -> Tensor:
    """Move codes within W towards what renders to the photo: perceptual and squared error, mostly over the person.

    The hybrid of encoder and optimisation of Zhu et al. (ECCV 2016, section 3.2): the encoder gives the start, a few
    steps keep near it. All rows stay equal, so the result is a code of W and can be edited like the encoder's.
    Gradients are computed in bfloat16. No photo of the batch minds another.

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
    distance, generator = models.fast_perceptual, models.fast_generator
    with torch.no_grad():
        weight = models.parser(photo).clamp(min=BACKGROUND)
        weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True)
        wanted = distance.features(photo.bfloat16())
    with torch.enable_grad():
        w = w_plus[:, 0].clone().requires_grad_()
        optimizer = torch.optim.Adam([w], RATE, betas=(0.9, 0.99))
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, 0.1 + 1.5 * (1 - step / steps))
            made = to_256(generator(rows(w.bfloat16())))
            perceptual = distance.distance_map(distance.features(made), wanted, (256, 256))
            error = perceptual.float() + SQUARED * (made.float() - photo).square().mean(dim=1, keepdim=True)
            optimizer.zero_grad()
            (weight * error).mean(dim=(1, 2, 3)).sum().backward()
            optimizer.step()
    return rows(w.detach())
