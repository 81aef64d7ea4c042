"""Improved residual blocks with squeeze and excitation (Deng et al., ArcFace, CVPR 2019, section 3.2.2).

The IR-SE50 body of ArcFace, e4e and pSp is built of them, and so are HFGI's two networks (without excitation).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

#: (channels, blocks) of the four stages of IR-SE50; the first block of each has stride 2.
STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))


def stem(channels_in: int, channels: int) -> nn.Sequential:
    """3x3 convolution, batch norm and PReLU: ``(B, in, H, W) -> (B, channels, H, W)``."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.PReLU(channels),
    )


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate in (0, 1) computed from all channel means (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.fc2(torch.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


class BottleneckIR(nn.Module):
    """One improved residual block: ``(B, in, H, W) -> (B, channels, H/stride, W/stride)``."""

    def __init__(self, channels_in: int, channels: int, stride: int, *, excite: bool = False) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = (
            nn.MaxPool2d(1, stride)
            if channels_in == channels
            else nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False),
                nn.BatchNorm2d(channels),
            )
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            *([SqueezeExcite(channels)] if excite else []),
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut: Tensor = self.shortcut_layer(x)
        residual: Tensor = self.res_layer(x)
        return shortcut + residual


def chain(widths: Sequence[int], *, stride: int = 1, excite: bool = False) -> nn.Sequential:
    """Blocks from each width to the next, the first with ``stride``; ``(48, 64, 64)`` makes two blocks."""
    strides = [stride] + [1] * (len(widths) - 2)
    return nn.Sequential(
        *(BottleneckIR(a, b, s, excite=excite) for (a, b), s in zip(pairwise(widths), strides, strict=True))
    )


class IRSE50(nn.Module):
    """The stem and the 24 blocks of IR-SE50: ``(B, 3, H, W) -> (B, 512, H/16, W/16)``.

    Networks that stand on this body inherit from it, because the published checkpoints keep ``input_layer`` and
    ``body`` at their top level.
    """

    def __init__(self) -> None:
        super().__init__()
        self.input_layer = stem(3, 64)
        blocks: list[nn.Module] = []
        width = 64
        for channels, count in STAGES:
            blocks.extend(chain((width, *[channels] * count), stride=2, excite=True))
            width = channels
        self.body = nn.Sequential(*blocks)

    def taps(self, rgb: Tensor, after: Sequence[int]) -> list[Tensor]:
        """Outputs of the blocks with the indices ``after``, in increasing order; later blocks are not run."""
        x = self.input_layer(rgb)
        found = []
        for i, block in enumerate(self.body[: max(after) + 1]):
            x = block(x)
            if i in after:
                found.append(x)
        return found
