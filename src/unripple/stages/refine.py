"""Refine codes that an encoder guessed by gradient steps, so that they render to the photo's person."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.codes import principal_axes
from unripple.models import ModelSet
from unripple.networks.mobile_stylegan import MARGIN, Window, rows

#: Adam's step along the principal axes of W, in standard deviations; it falls to a tenth over the last steps.
RATE = 0.1
#: Weight of the squared error beside the perceptual distance, and of the background beside the person.
SQUARED, BACKGROUND = 0.5, 0.1
#: Steps look at the face, where identity is and which costs under half, and one in so many at the whole picture.
WHOLE_EVERY = 2
WHOLE, FACE = Window(0, 0, 64), Window(12, 12, 40)
#: Pixels at 256 along the sides of a window within the picture that do not count.
EDGE = 4 * MARGIN


def encode_refined(photo: Tensor, steps: int, models: ModelSet) -> Tensor:
    """The encoder's codes, refined: ``(B, 3, 256, 256)`` -> ``(B, 18, 512)``; see ``refine``.

    One photo after the other: the last digit of a code depends on the batch that the encoder had.
    """
    return torch.cat([refine(one, models.encoder(one), steps, models) for one in photo.split(1)])


def refine(photo: Tensor, w_plus: Tensor, steps: int, models: ModelSet) -> Tensor:
    """Move codes within W towards what renders to the photo: perceptual and squared error, mostly over the person.

    The hybrid of encoder and optimisation of Zhu et al. (ECCV 2016, section 3.2): the encoder gives the start, a few
    steps keep near it. All rows stay equal, so the result is a code of W and can be edited like the encoder's. Steps
    are taken in coordinates in which W has unit variance (as in Zhu et al., "Improved StyleGAN Embedding", 2020), where
    half as many reach as far. Each photo of a batch is refined as if it were alone.

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
    goals = [_Goal(photo, person, window, models) for window in (WHOLE, FACE)]
    start, axes = w_plus[:, 0], principal_axes(models.mapping).to(w_plus)
    with torch.enable_grad():
        moved = torch.zeros_like(start, requires_grad=True)  # (B, 512)
        optimizer = torch.optim.Adam([moved], RATE, betas=(0.9, 0.99))
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, 0.1 + 1.5 * (1 - step / steps))
            optimizer.zero_grad()
            goals[step % WHOLE_EVERY > 0].distance(rows(start + moved @ axes)).sum().backward()
            optimizer.step()
    return rows((start + moved @ axes).detach())


class _Goal:
    """The photo within a window, and how far from it a code renders."""

    @torch.no_grad()
    def __init__(self, photo: Tensor, person: Tensor, window: Window, models: ModelSet) -> None:
        self.models, self.window = models, window
        self.photo, weight = window.cut(photo), window.cut(person).clone()
        if window != WHOLE:  # the generator sees nothing beyond the window, and is off along its sides
            inner = weight[..., EDGE:-EDGE, EDGE:-EDGE].clone()
            weight.zero_()[..., EDGE:-EDGE, EDGE:-EDGE] = inner
        self.weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True)
        self.features = models.perceptual.features(self.photo)

    def distance(self, w_plus: Tensor) -> Tensor:
        """``w_plus (B, 18, 512)`` -> one number for each, ``(B,)``."""
        made = self.models.part_at_256(w_plus, self.window)
        network = self.models.perceptual
        perceptual = network.distance_map(network.features(made), self.features, (made.shape[2], made.shape[3]))
        error = perceptual + SQUARED * (made - self.photo).square().mean(dim=1, keepdim=True)
        return (self.weight * error).mean(dim=(1, 2, 3))
