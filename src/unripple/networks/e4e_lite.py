"""``e4e-lite``: a small encoder into StyleGAN2's W, for CPUs.

e4e (Tov et al., SIGGRAPH 2021) wants codes close to W, because those can be edited; this one stays in W altogether. It
reads the code off pooled features of a frozen perceptual trunk by an affine map of low rank, which is fitted in closed
form and needs no GPU.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.mobile_stylegan import STYLE_DIM, rows
from unripple.networks.st_alexnet import CHANNELS, StAlexNet

#: Cells per side to which each of the trunk's layers is pooled, and pixels per side of the picture itself.
CELLS, PICTURE = (6, 6, 6, 5, 5), 24
FEATURES = sum(channels * cells**2 for channels, cells in zip(CHANNELS, CELLS, strict=True)) + 3 * PICTURE**2


class PooledFeatures(nn.Module):
    """``rgb: float (B, 3, 256, 256) in [-1, 1]`` -> ``float (B, 37568)``: the trunk's layers in cells, and the picture.

    Square roots of the cells' means: they spread like a normal distribution, which linear readers want.
    """

    def __init__(self, trunk: StAlexNet) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, rgb: Tensor) -> Tensor:
        layers = zip(self.trunk(rgb), CELLS, strict=True)
        pooled = [F.adaptive_avg_pool2d(layer, cells).sqrt().flatten(1) for layer, cells in layers]
        return torch.cat([*pooled, F.adaptive_avg_pool2d(rgb, PICTURE).flatten(1)], dim=1).float()


class E4eLite(nn.Module):
    """Pooled features ``(B, 37568)`` -> ``w_plus (B, 18, 512)``, equal rows: an affine map of low rank.

    The trunk behind the features is that of ST-LPIPS; its weights are not part of this network's state.
    """

    mean: Tensor

    def __init__(self, rank: int = 192, features: int = FEATURES) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.down = nn.Linear(features, rank, bias=False)
        self.up = nn.Linear(rank, STYLE_DIM)

    def forward(self, features: Tensor) -> Tensor:
        return rows(self.up(self.down(features - self.mean)))
