"""The ``lite`` person parser: a small residual U-Net (Ronneberger et al., 2015; He et al., 2016), one matte out.

On a CPU it costs a fifth of torchvision's LR-ASPP MobileNetV3 per training step, whose depth-wise convolutions
are memory-bound there, and it keeps finer edges: it decodes back to half its input size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: The longer side of the picture that the network looks at.
WORKING_SIZE = 256
#: Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the working size.
WIDTHS = (16, 32, 64, 128, 192)


def conv(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()
    )


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class Gate(nn.Module):
    """Scale the channels by what the whole picture says (LR-ASPP's global branch, Howard et al., 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.gate(x.mean(dim=(2, 3), keepdim=True)))


class Segmenter(nn.Module):
    """``x float (B, C, H, W)``, about [-1, 1], H and W multiples of 32 -> ``logits (B, 1, H, W)``.

    C is ``channels``: 3 for a picture.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, channels: int = 3) -> None:
        super().__init__()
        before = (channels, *widths[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(conv(i, o, stride=2), Residual(o)) for i, o in zip(before, widths, strict=True)
        )
        self.context = nn.Sequential(Residual(widths[-1]), Gate(widths[-1]))
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.narrow = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in pairs)
        self.up = nn.ModuleList(nn.Sequential(conv(o, o), Residual(o)) for _, o in pairs)
        self.head = nn.Conv2d(widths[0], 4, 3, 1, 1)  # the four pixels of a cell

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.context(x)
        for narrow, up, skip in zip(self.narrow, self.up, skips[-2::-1], strict=True):
            x = F.interpolate(narrow(x), size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = up(x + skip)
        return F.pixel_shuffle(self.head(x), 2)

    def at_any_size(self, x: Tensor) -> Tensor:
        """The logits of ``x (B, C, H, W)`` of any size, looked at with its longer side at 256 px (antialiased)."""
        size = x.shape[-2:]
        longer = max(size)
        working = [max(32, round(side * WORKING_SIZE / longer / 32) * 32) for side in size]
        small = F.interpolate(x, size=working, mode="bilinear", align_corners=False, antialias=True)
        return F.interpolate(self(small), size=size, mode="bilinear", align_corners=False)


class Parser(nn.Module):
    """``rgb float (B, 3, H, W)`` in [-1, 1], any size -> soft person ``matte (B, 1, H, W)`` in [0, 1], same dtype.

    The picture is looked at with its longer side at 256 px (antialiased) and the logits are brought back to its size.
    The shipped weights know aligned portraits: a half-length picture or an empty plate is outside of what they learnt.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.segmenter = Segmenter(widths)

    def logits(self, rgb: Tensor) -> Tensor:
        """``(B, 3, H, W)`` -> ``(B, 1, H, W)``, before the sigmoid. Raises ``ValueError`` on another layout."""
        if rgb.ndim != 4 or rgb.shape[1] != 3:
            raise ValueError(f"rgb: expected (B, 3, H, W), found {tuple(rgb.shape)}")
        return self.segmenter.at_any_size(rgb)

    def forward(self, rgb: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(rgb))
