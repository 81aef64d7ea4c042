"""Layers with an equalised learning rate (Karras et al., Progressive GAN, ICLR 2018, section 4.1).

Weights are kept at unit variance and scaled at run time by He's constant, so that the published weights of
StyleGAN2, of the encoders' last layers and of HFGI's condition heads load as they are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Slope of every leaky ReLU in StyleGAN2 and in HFGI's condition heads.
LEAK = 0.2


def scaled_leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU 0.2 times sqrt(2), which keeps the variance of a normal input."""
    return F.leaky_relu(x, LEAK) * math.sqrt(2)


class ScaledLeakyReLU(nn.Module):
    """``scaled_leaky_relu`` as a module, to stand in a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return scaled_leaky_relu(x)


class EqualConv2d(nn.Module):
    """A square convolution with equalised weights. ``(B, in, H, W) -> (B, out, H, W)`` for padding size // 2."""

    def __init__(self, channels_in: int, channels_out: int, size: int, *, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, size, size))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.gain = 1 / math.sqrt(channels_in * size**2)
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.gain, self.bias, padding=self.padding)


class EqualLinear(nn.Module):
    """A linear layer with equalised weights. ``(..., in) -> (..., out)``.

    ``lr_mul`` scales weights and bias once more (StyleGAN's mapping network: 0.01); ``bias`` is the initial bias.
    """

    def __init__(self, features_in: int, features_out: int, *, bias: float = 0.0, lr_mul: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features_out, features_in) / lr_mul)
        self.bias = nn.Parameter(torch.full((features_out,), bias / lr_mul))
        self.gain = lr_mul / math.sqrt(features_in)
        self.lr_mul = lr_mul

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.gain, self.bias * self.lr_mul)
