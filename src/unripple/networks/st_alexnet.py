"""Shift-tolerant LPIPS (Ghildyal and Liu, ECCV 2022) and its trunk, AlexNet with anti-aliased strides (Zhang, 2019)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Channels of the five layers that ``StAlexNet`` returns.
CHANNELS = (64, 192, 384, 256, 256)

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)


def blur_pool(x: Tensor) -> Tensor:
    """Anti-aliased stride 2: binomial 3x3, reflection by 2. ``(B, C, H, W)`` to about half the size."""
    channels = x.shape[1]
    taps = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    kernel = torch.outer(taps, taps).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=channels)


def blurred_conv(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """``blur_pool(conv(x))``: one convolution of stride 2 with both kernels in one, for a quarter of the arithmetic.

    ``x (B, C, H, W)``; `conv` has no stride. The blur reflects at the borders: its first row equals its second, and its
    last one is the mean of the last two, so those have kernels of their own.
    """
    down, right = cast(tuple[int, int], conv.padding)
    x = F.pad(x, (right, right, down, down))
    if any((side - kernel) % 2 == 0 for side, kernel in zip(x.shape[2:], conv.kernel_size, strict=True)):
        return blur_pool(F.conv2d(x, conv.weight, conv.bias))  # an odd number of rows ends in another way
    whole, half = x.new_tensor([0.25, 0.5, 0.25]), x.new_tensor([0.5, 0.5])
    channels_last = conv.weight.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    height, width = (side + 1 for side in conv.kernel_size)  # of the kernels of the last row and column

    def made(part: Tensor, down: Tensor, right: Tensor) -> Tensor:
        taps = torch.outer(down, right)[None, None]
        kernel = F.conv_transpose2d(conv.weight.flatten(0, 1)[:, None], taps)[:, 0].unflatten(0, conv.weight.shape[:2])
        kernel = F.pad(kernel, (0, kernel.shape[3] % 2, 0, kernel.shape[2] % 2))
        # Stride 2 with 2x2 cells in channels: the gradient of a strided convolution is slow on CPUs.
        cells = F.pixel_unshuffle(kernel, 2).contiguous(memory_format=layout)
        return F.conv2d(F.pixel_unshuffle(part, 2), cells, conv.bias)

    inner, last_row = made(x, whole, whole), made(x[:, :, -height:], half, whole)
    last_column, corner = made(x[..., -width:], whole, half), made(x[:, :, -height:, -width:], half, half)
    left = torch.cat((inner[:, :, :1], inner, last_row), dim=2)
    return torch.cat((left[..., :1], left, torch.cat((last_column[:, :, :1], last_column, corner), dim=2)), dim=3)


class StAlexNet(nn.Module):
    """``rgb: float (B, 3, H, W) in [-1, 1]`` -> five layers after their ReLU, from fine to coarse."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            (
                nn.Conv2d(3, 64, 11, padding=2),
                nn.Conv2d(64, 192, 5, padding=2),
                nn.Conv2d(192, 384, 3, padding=1),
                nn.Conv2d(384, 256, 3, padding=1),
                nn.Conv2d(256, 256, 3, padding=1),
            )
        )
        self.register_buffer("shift", torch.tensor(_SHIFT).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        conv = self.convolutions
        x = F.relu(blurred_conv(cast(nn.Conv2d, conv[0]), (rgb - self.shift) / self.scale))
        layers = [x]
        for i in (1, 2):
            x = F.relu(conv[i](blur_pool(F.max_pool2d(x, 3, stride=1))))
            layers.append(x)
        for i in (3, 4):
            x = F.relu(conv[i](x))
            layers.append(x)
        return layers


class StLpips(nn.Module):
    """The distance: differences of the trunk's layers, weighted channel by channel."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = StAlexNet()
        self.linears = nn.ParameterList(nn.Parameter(torch.zeros(1, channels, 1, 1)) for channels in CHANNELS)

    def features(self, rgb: Tensor) -> list[Tensor]:
        """``rgb: float32 (B, 3, H, W) in [-1, 1]`` -> five layers, each of unit length along its channels."""
        return [layer / (layer.norm(dim=1, keepdim=True) + 1e-10) for layer in self.trunk(rgb)]

    def distance_map(self, a: list[Tensor], b: list[Tensor], size: tuple[int, int]) -> Tensor:
        """LPIPS before its spatial mean (Zhang et al., CVPR 2018, equation 1): ``float32 (B, 1, *size)``, >= 0.

        ``a`` and ``b`` are what ``features`` gave; a batch of one in ``a`` is compared with every item of ``b``.
        """
        total = torch.zeros(())
        for linear, x, y in zip(self.linears, a, b, strict=True):
            layer = F.conv2d((x - y).square(), linear.to(x.dtype))
            total = total + F.interpolate(layer, size=size, mode="bilinear", align_corners=False)
        return total

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two batches ``float32 (B, 3, H, W) in [-1, 1]`` -> map ``float32 (B, 1, H, W)``."""
        return self.distance_map(self.features(a), self.features(b), (a.shape[2], a.shape[3]))
