"""What e4e and pSp share (Richardson et al., pSp, CVPR 2021, section 3): IR-SE50, a feature pyramid, style heads.

Each row of ``w_plus`` has its own head, which reads one of three levels of the pyramid.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.equalized import EqualLinear
from unripple.networks.irse import IRSE50

STYLE_DIM = 512
#: Side of the encoders' input.
INPUT_SIZE = 256
#: Body blocks whose outputs enter the pyramid: 128 channels at 64x64, 256 at 32x32, 512 at 16x16.
TAPS = (6, 20, 23)
#: First row that reads the 32x32 level, and first that reads the 64x64 level.
FIRST_MIDDLE, FIRST_FINE = 3, 7


class StyleHead(nn.Module):
    """Convolutions with stride 2 down to one pixel, then a linear layer.

    ``(B, 512, size, size) -> (B, 512)``.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(int(math.log2(size))):
            layers += [nn.Conv2d(STYLE_DIM, STYLE_DIM, 3, stride=2, padding=1), nn.LeakyReLU()]
        self.convs = nn.Sequential(*layers)
        self.linear = EqualLinear(STYLE_DIM, STYLE_DIM)

    def forward(self, x: Tensor) -> Tensor:
        style: Tensor = self.linear(self.convs(x).flatten(1))
        return style


def _add_upsampled(coarse: Tensor, fine: Tensor) -> Tensor:
    # The one place in HFGI's networks where corners are aligned.
    return F.interpolate(coarse, size=fine.shape[-2:], mode="bilinear", align_corners=True) + fine


class PyramidEncoder(IRSE50):
    """IR-SE50, the pyramid and ``rows`` style heads; the subclasses say how heads become ``w_plus``.

    Args:
        rows: rows of ``w_plus``: 18 for a generator of 1024 px, 14 for 256.
    """

    def __init__(self, rows: int = 18) -> None:
        super().__init__()
        self.styles = nn.ModuleList(
            StyleHead(16 if row < FIRST_MIDDLE else 32 if row < FIRST_FINE else 64) for row in range(rows)
        )
        self.latlayer1 = nn.Conv2d(256, STYLE_DIM, 1)
        self.latlayer2 = nn.Conv2d(128, STYLE_DIM, 1)

    def style_vectors(self, rgb: Tensor) -> Tensor:
        """``rgb: float (B, 3, 256, 256) in [-1, 1]`` -> what each head says, ``float (B, rows, 512)``.

        Raises:
            ValueError: for another size of the picture.
        """
        if rgb.shape[1:] != (3, INPUT_SIZE, INPUT_SIZE):
            raise ValueError(f"encoder: expected rgb (B, 3, {INPUT_SIZE}, {INPUT_SIZE}), found {tuple(rgb.shape)}")
        c1, c2, coarse = self.taps(rgb, TAPS)
        middle = _add_upsampled(coarse, self.latlayer1(c2))
        fine = _add_upsampled(middle, self.latlayer2(c1))
        levels = [
            coarse if row < FIRST_MIDDLE else middle if row < FIRST_FINE else fine for row in range(len(self.styles))
        ]
        return torch.stack([head(level) for head, level in zip(self.styles, levels, strict=True)], dim=1)
