"""HFGI's fusion of consultation features into a generator (Wang et al., CVPR 2022, section 3.2, equation 4)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class FusionState(NamedTuple):
    """What a generator holds right before the fusion.

    ``features: float (B, 512, 64, 64)``; ``skip``: the running picture of a skip generator, or None.
    """

    features: Tensor
    skip: Tensor | None


class Fused(NamedTuple):
    """What the consultation encoder gives: ``scale`` and ``shift``, both ``float (B, 512, 64, 64)``."""

    scale: Tensor
    shift: Tensor


def fuse(features: Tensor, fused: Fused | None) -> Tensor:
    """``features * (1 + scale) + shift``; the features themselves where there is nothing to fuse."""
    if fused is None:
        return features
    return features * (1 + fused.scale) + fused.shift
