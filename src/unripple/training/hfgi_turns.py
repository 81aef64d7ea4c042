"""True turns for HFGI's training: faces sampled from StyleGAN2, guessed by e4e, and both turned along a direction.

What ADA should give is known within the turned person, who is found by the embedded parser: Graphonomy's twelve runs
would take longer than the rest of a step, and these are faces of the kind that the embedded parser learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.files.tensors import to_256
from unripple.networks.fusion import FusionState
from unripple.networks.pyramid import INPUT_SIZE
from unripple.networks.stylegan2 import STYLE_DIM, StyleGAN2
from unripple.training.rendered_faces import FARTHEST
from unripple.training.turned_faces import wanted
from unripple.weights.lite import load_parser
from unripple.weights.published.load import load_tensor
from unripple.weights.roles import converted_file

#: Of the sampled codes.
TRUNCATION = (0.7, 1.0)


class Task(NamedTuple):
    """What one batch asks of ADA and Ec.

    ``w_plus (B, rows, 512)`` and ``state``: of the generator, for the low-rate edit. ``misaligned``, ``edited``: what
    ADA gets, ``target``: what it should give, ``wanted``: the picture to be made, ``float32 (B, 3, 256, 256)`` each.
    ``matte (B, 1, 256, 256)`` in [0, 1]: where it is asked; None for the whole picture.
    """

    w_plus: Tensor
    state: FusionState
    misaligned: Tensor
    edited: Tensor
    target: Tensor
    wanted: Tensor
    matte: Tensor | None = None


class Draw(NamedTuple):
    """Sampled turns: ``z (B, 512)`` standard normal, the ``truncation`` and the ``degree`` of each, ``(B, 1, 1)``."""

    z: Tensor
    truncation: Tensor
    degree: Tensor


def drawn(seed: int, step: int, batch: int, part: slice) -> Draw:
    """What a process takes as its ``part`` of a step's batch: the same whatever the number of processes."""
    random = torch.Generator().manual_seed(seed * 1_000_003 + step)
    z = torch.randn(batch, STYLE_DIM, generator=random)
    share, turn = torch.rand(2, batch, 1, 1, generator=random)
    low, high = TRUNCATION
    return Draw(z[part], (low + (high - low) * share)[part], (FARTHEST * (2 * turn - 1))[part])


@dataclass(frozen=True)
class Turning:
    """What turns take beside generator and encoder.

    ``direction: (512,)``, the unit vector of pose; ``parser``: rgb ``(B, 3, H, W)`` -> person ``(B, 1, H, W)``.
    """

    direction: Tensor
    parser: nn.Module

    @classmethod
    def published(cls, models: Path, lite: Path) -> Turning:
        """The published direction, converted, and the embedded parser.

        Raises ``WeightsError`` or ``MissingModel`` that names the first file that is missing.
        """
        return cls(load_tensor(converted_file(models, "directions"), "pose"), load_parser(lite))

    def on(self, device: torch.device) -> Turning:
        """Both on a device."""
        return Turning(self.direction.to(device), self.parser.to(device).eval().requires_grad_(False))

    @torch.no_grad()
    def task(self, draw: Draw, generator: StyleGAN2, encoder: nn.Module, latent_avg: Tensor) -> Task:
        """The task of some turns; ``encoder``: rgb at 256 -> ``w_plus - latent_avg (rows, 512)``."""
        z, truncation, degree = (x.to(latent_avg) for x in draw)
        w_plus = torch.lerp(latent_avg, generator.mapping(z).float()[:, None], truncation)
        move = degree * self.direction
        photo, true = (_seen(generator(codes)) for codes in (w_plus, w_plus + move))
        guess = encoder(photo) + latent_avg
        state = generator.to_fusion(guess + move)
        edited = to_256(generator.from_fusion(state, guess + move).float())
        before, matte = (self.parser(rgb).float() for rgb in (photo, true))
        return Task(
            guess + move,
            state,
            photo - to_256(generator(guess).float()),
            edited,
            wanted(photo, edited, true, before, matte),
            true,
            matte,
        )


def _seen(rgb: Tensor) -> Tensor:
    """The generator's picture in place of a photo: at 256, antialiased as photos are."""
    return F.adaptive_avg_pool2d(rgb.float().clamp(-1, 1), INPUT_SIZE)
