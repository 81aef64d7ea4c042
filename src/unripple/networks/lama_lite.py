"""The ``lite`` inpainter: LaMa's encoder and Fourier blocks at a small size, painting on top of a smooth fill.

LaMa's own input has a black hole. A network as small as this one would spend its training on learning diffusion,
which has a closed form: here the hole is first filled by push-pull interpolation (Gortler et al., SIGGRAPH 1996,
section 3.4) and the network predicts what to add.

It differs from LaMa in its decoder. A transposed 3x3 convolution of stride 2 gives a pixel one, two or four taps by the
parity of its place (Odena et al., Distill 2016), and weights as few as these do not learn to even that out: they wove a
lattice of 8 px into every fill. Bilinear upsampling treats all pixels alike. Features of the encoder are added at each
size (Ronneberger et al., 2015), since edges around a thin hole are known to the pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.ffc import Features, FFCBlock, FFCLayer
from unripple.networks.lama import pad_symmetric


def smooth_fill(rgb: Tensor, hole: Tensor) -> Tensor:
    """Push-pull interpolation of ``rgb (B, 3, H, W)`` into ``hole``, bool (B, 1, H, W); zero if all is hole.

    Push: halve the picture, averaging known pixels alone. Pull: fill what is unknown from the next coarser level.
    """
    known = (~hole).to(rgb.dtype)
    return _push_pull(torch.where(hole, torch.zeros_like(rgb), rgb), known)


def _push_pull(colour: Tensor, known: Tensor) -> Tensor:
    """``colour`` and how far it is ``known``, in [0, 1]."""
    if max(known.shape[-2:]) == 1:
        return colour * known
    weight = F.avg_pool2d(known, 2, ceil_mode=True)
    coarse = F.avg_pool2d(colour * known, 2, ceil_mode=True) / weight.clamp(min=1e-6)
    below = _push_pull(coarse, (4 * weight).clamp(max=1))  # one known pixel of four is as good as four
    up = F.interpolate(below, size=known.shape[-2:], mode="bilinear", align_corners=False)
    return torch.lerp(up, colour, known)


def _conv(channels_in: int, channels: int) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU; mirrored borders, as everywhere in LaMa."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1, bias=False, padding_mode="reflect"),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


class Up(nn.Module):
    """``x (B, C, H, W)`` and the encoder's ``skip (B, C/2, 2H, 2W)`` -> ``(B, C/2, 2H, 2W)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.narrow = nn.Conv2d(channels, half, 1)  # before the upsampling: a quarter of the pixels
        self.convs = nn.Sequential(_conv(half, half), _conv(half, half))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(self.narrow(x), scale_factor=2, mode="bilinear", align_corners=False)
        return self.convs(x + skip)


class LamaLite(nn.Module):
    """``rgb float (B, 3, H, W) in [-1, 1]`` and ``mask bool (B, 1, H, W)``, True = paint -> rgb of the same shape.

    Any size of more than 8 px. Outside the mask the picture returns bit-equal; colours inside it are in [-1, 1].

    Args:
        ngf, downsamplings, blocks, ratio: as ``LamaGenerator``'s.
    """

    def __init__(self, ngf: int = 16, downsamplings: int = 3, blocks: int = 6, ratio: float = 0.75) -> None:
        super().__init__()
        widths = [ngf << i for i in range(downsamplings + 1)]
        ratios = [0.0] * (downsamplings - 1) + [ratio]  # a global part at the smallest size alone
        self.stem = FFCLayer(4, ngf, 7, padding=3)
        self.down = nn.ModuleList(
            FFCLayer(width, 2 * width, 3, stride=2, padding=1, ratio=share)
            for width, share in zip(widths, ratios, strict=False)
        )
        self.blocks = nn.Sequential(*(FFCBlock(widths[-1], ratio) for _ in range(blocks)))
        self.up = nn.ModuleList(Up(width) for width in widths[:0:-1])
        self.last = nn.Conv2d(ngf, 3, 3, padding=1, padding_mode="reflect")
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)  # a training starts from the smooth fill

    def paint(self, rgb: Tensor, mask: Tensor) -> Tensor:
        """The prediction for every pixel, unclamped, sides multiples of 8: what a training compares."""
        filled = smooth_fill(rgb, mask)
        x = self.stem(Features(torch.cat((filled, mask.to(rgb.dtype)), dim=1), None))
        skips = []
        for down in self.down:
            skips.append(x.local)
            x = down(x)
        joined = torch.cat([part for part in self.blocks(x) if part is not None], dim=1)
        for up, skip in zip(self.up, skips[::-1], strict=True):
            joined = up(joined, skip)
        return filled + self.last(joined)

    def forward(self, rgb: Tensor, mask: Tensor) -> Tensor:
        if rgb.ndim != 4 or rgb.shape[1] != 3:
            raise ValueError(f"rgb: expected (B, 3, H, W), found {tuple(rgb.shape)}")
        if mask.shape != (len(rgb), 1, *rgb.shape[-2:]):
            raise ValueError(f"mask: expected {(len(rgb), 1, *rgb.shape[-2:])}, found {tuple(mask.shape)}")
        hole = mask != 0
        h, w = rgb.shape[-2:]
        painted = self.paint(pad_symmetric(rgb), pad_symmetric(hole))[..., :h, :w]
        return torch.where(hole, painted.clamp(-1, 1).to(rgb.dtype), rgb)
