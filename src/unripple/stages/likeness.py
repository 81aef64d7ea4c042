"""How unlike a photo a picture is: what inversions by optimisation descend on."""

from __future__ import annotations

from torch import Tensor

from unripple.models import ModelSet


def unlikeness(made: Tensor, photo: Tensor, wanted: list[Tensor], models: ModelSet) -> Tensor:
    """Perceptual distance (ST-LPIPS) and squared error, averaged: a scalar.

    Args:
        made, photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        wanted: the photo's features, `StLpips.features`.
        models: the networks.
    """
    features = models.perceptual.features(made)
    perceptual = models.perceptual.distance_map(features, wanted, (256, 256)).mean()
    return perceptual + (made - photo).square().mean()
