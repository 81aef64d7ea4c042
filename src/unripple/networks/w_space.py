"""Seeded codes of the generator's W space."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

from unripple.networks.mobile_stylegan import STYLE_DIM

#: Draws behind the mean code, and their seed: the mean is part of the generator, not of a study.
MEAN_DRAWS, MEAN_SEED = 50_000, 0


@lru_cache(maxsize=4)
@torch.no_grad()
def mean_code(mapping: nn.Module) -> Tensor:
    """The mean of W, ``(512,)``, on the network's device. Kept for the next call with the same network."""
    noise = torch.Generator().manual_seed(MEAN_SEED)
    drawn = torch.randn(MEAN_DRAWS, STYLE_DIM, generator=noise).to(next(mapping.parameters()))
    mean: Tensor = mapping(drawn).mean(dim=0)
    return mean


@lru_cache(maxsize=4)
@torch.no_grad()
def principal_axes(mapping: nn.Module, scaling: float = 0.5) -> Tensor:
    """The principal axes of W, ``(512, 512)``, one a row: unit vectors times their variance to the power ``scaling``.

    With 1/2 a standard normal vector times these is spread like W around its mean. From a fifth of the mean's draws, in
    float64. Kept for the next call with the same network.
    """
    noise = torch.Generator().manual_seed(MEAN_SEED)
    w = mapping(torch.randn(MEAN_DRAWS // 5, STYLE_DIM, generator=noise).to(next(mapping.parameters()))).double().cpu()
    variances, axes = torch.linalg.eigh(torch.cov(w.T))
    return (axes * variances.clamp(min=0) ** scaling).T.float()


class CodeSampler:
    """Draws ``w = mean + psi (mapping(z) - mean)``, psi uniform in ``truncation`` (the truncation trick)."""

    def __init__(self, mapping: nn.Module, *, seed: int, truncation: tuple[float, float] = (1.0, 1.0)) -> None:
        self.mapping = mapping
        self.truncation = truncation
        self.mean = mean_code(mapping)
        self.noise = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def draw(self, count: int) -> Tensor:
        """``(count, 512)`` float32, on the network's device; the noise is the same on every device."""
        w = self.mapping(torch.randn(count, STYLE_DIM, generator=self.noise).to(self.mean))
        low, high = self.truncation
        psi = low + (high - low) * torch.rand(count, 1, generator=self.noise).to(self.mean)
        return self.mean + psi * (w - self.mean)
