"""The edit, at a low rate (e4e: no ripples, details lost) and with consultation (HFGI: details kept, ripples)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models import Generator, ModelSet
from unripple.networks.fusion import Fused, FusionState

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Edited:
    """A batch of edits; both pictures ``float32 (B, 3, 1024, 1024)``, rgb in about [-1, 1]."""

    e4e: Tensor
    hfgi: Tensor
    w_plus: Tensor


@torch.no_grad()
def edit(
    w_plus: Tensor,
    distortion: Tensor,
    direction: Tensor,
    degree: float,
    models: ModelSet,
    precision: Precision = "float32",
) -> Edited:
    """Move codes along a direction and consult the distortion map (HFGI, sections 3.2 and 3.3).

    The two pictures share everything below the 64x64 layer, which is run once. Degree 0 is the inversion.

    Args:
        w_plus: ``float32 (B, 18, 512)``.
        distortion: ``float32 (B, 3, 256, 256)``, photo minus low-rate inversion.
        direction: ``(512,)``, added to every row, or ``(18, 512)``.
        degree: how far; + pose turns to the person's right.
        models: the networks.
        precision: of the generator. Pictures in bfloat16 are on average within one grey level of those in float32,
            more than 40 dB from them, and cost two thirds of the time on a CPU that computes in it.
    """
    generator, codes = moved_codes(w_plus, direction, degree, models, precision)
    state = generator.to_fusion(codes)
    e4e = generator.from_fusion(state, codes).float()
    fused = models.consultation(distortion.to(models.device), to_256(e4e))
    return Edited(e4e, fused_picture(generator, state, codes, fused), codes.float())


def moved_codes(
    w_plus: Tensor, direction: Tensor, degree: float, models: ModelSet, precision: Precision
) -> tuple[Generator, Tensor]:
    """The generator of a precision, and in it the codes ``(B, 18, 512)``, moved by ``degree`` along ``direction``."""
    moved = w_plus.to(models.device) + degree * direction.to(models.device)
    return (models.fast_generator, moved.bfloat16()) if precision == "bfloat16" else (models.generator, moved)


def fused_picture(generator: Generator, state: FusionState, codes: Tensor, fused: Fused) -> Tensor:
    """What the generator makes above its 64x64 layer with ``fused`` in it: ``float32 (B, 3, 1024, 1024)``."""
    fused = Fused(fused.scale.to(codes.dtype), fused.shift.to(codes.dtype))
    return generator.from_fusion(state, codes, fused).float()
