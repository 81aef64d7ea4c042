"""Inversion: a photo's latent code, and what the code lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.models.tuned import tuned as with_tuned
from unripple.settings.inverters import Inverter
from unripple.stages import pti
from unripple.stages.i2s import i2s
from unripple.stages.refine import encode_refined


@dataclass(frozen=True)
class Inversion:
    """A batch of inverted photos.

    ``w_plus: float32 (B, 18, 512)``; ``distortion: float32 (B, 3, 256, 256)``, photo minus inversion; ``e4e: float32
    (B, 3, 1024, 1024)``, the low-rate inversion, rgb in about [-1, 1]. ``tuned: float16 (B, P)``: how far the
    weights of the generator moved for each photo, P is 0 where they did not.
    """

    w_plus: Tensor
    distortion: Tensor
    e4e: Tensor
    tuned: Tensor


@torch.no_grad()
def invert(photo: Tensor, models: ModelSet, method: Inverter = "e4e", steps: int = 0) -> Inversion:
    """Encode photos and take their distortion maps (HFGI, section 3.2, equation 2).

    Args:
        photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        models: the networks.
        method, steps: see `encode`.
    """
    if photo.shape[1:] != (3, 256, 256):
        raise ValueError(f"photo: expected (B, 3, 256, 256), found {tuple(photo.shape)}")
    photo = photo.to(models.device)
    w_plus = encode(photo, models, method, steps)
    if method != "pti":
        e4e = models.generator(w_plus)
        return Inversion(w_plus, photo - to_256(e4e), e4e, photo.new_zeros(len(photo), 0, dtype=torch.float16))
    each = list(zip(photo.split(1), w_plus.split(1), strict=True))
    tuned = [pti.tuned(*one, models, steps) for one in each]
    e4e = torch.cat([with_tuned(models, by).generator(code) for by, (_, code) in zip(tuned, each, strict=True)])
    return Inversion(w_plus, photo - to_256(e4e), e4e, torch.stack(tuned))


@torch.no_grad()
def encode(photo: Tensor, models: ModelSet, method: Inverter = "e4e", steps: int = 0) -> Tensor:
    """The codes alone: ``float32 (B, 3, 256, 256)`` in [-1, 1] -> ``(B, 18, 512)``.

    Args:
        photo: as for `invert`.
        models: the networks.
        method: ``e4e`` and ``psp`` are encoders; ``hybrid`` refines e4e's code (`stages.refine`), ``i2s`` optimises one
            from the mean (`stages.i2s`), both photo by photo. Of ``pti`` it is the pivot, the set's own inversion.
        steps: gradient steps of those two.
    """
    photo = photo.to(models.device)
    if method == "pti":
        return encode(photo, models, *models.inverter)
    if method == "hybrid":
        return encode_refined(photo, steps, models)
    return i2s(photo, steps, models) if method == "i2s" else models.encoder(photo, method)
