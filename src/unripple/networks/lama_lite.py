"""The ``lite`` inpainter: LaMa's generator at a small size, painting on top of a smooth fill.

LaMa's own input has a black hole. A network as small as this one would spend its training on learning diffusion,
which has a closed form: here the hole is first filled by push-pull interpolation (Gortler et al., SIGGRAPH 1996,
section 3.4) and the generator's sigmoid, moved to [-1, 1], is what it adds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.lama import LamaGenerator, pad_symmetric


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


class LamaLite(nn.Module):
    """``rgb float (B, 3, H, W) in [-1, 1]`` and ``mask bool (B, 1, H, W)``, True = paint -> rgb of the same shape.

    Any size of at least 8 px. Outside the mask the picture returns bit-equal; colours inside it are in [-1, 1].
    """

    def __init__(self, ngf: int = 16, downsamplings: int = 3, blocks: int = 4, ratio: float = 0.75) -> None:
        super().__init__()
        self.generator = LamaGenerator(ngf, downsamplings, blocks, ratio)
        for parameter in self.generator.model[-2].parameters():
            nn.init.zeros_(parameter)  # the last convolution: a training starts from the smooth fill

    def paint(self, rgb: Tensor, mask: Tensor) -> Tensor:
        """The prediction for every pixel, unclamped, sides multiples of 8: what a training compares."""
        filled = smooth_fill(rgb, mask)
        seen = torch.cat(((filled + 1) / 2, mask.to(rgb.dtype)), dim=1)
        return filled + 2 * (2 * self.generator(seen) - 1)

    def forward(self, rgb: Tensor, mask: Tensor) -> Tensor:
        if rgb.ndim != 4 or rgb.shape[1] != 3:
            raise ValueError(f"rgb: expected (B, 3, H, W), found {tuple(rgb.shape)}")
        if mask.shape != (len(rgb), 1, *rgb.shape[-2:]):
            raise ValueError(f"mask: expected {(len(rgb), 1, *rgb.shape[-2:])}, found {tuple(mask.shape)}")
        hole = mask != 0
        h, w = rgb.shape[-2:]
        painted = self.paint(pad_symmetric(rgb), pad_symmetric(hole))[..., :h, :w]
        return torch.where(hole, painted.clamp(-1, 1).to(rgb.dtype), rgb)
