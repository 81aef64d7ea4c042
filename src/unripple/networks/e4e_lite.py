"""``e4e-lite``: a small encoder into StyleGAN2's W, for CPUs.

e4e (Tov et al., SIGGRAPH 2021) wants codes close to W, because those can be edited; this one stays in W altogether. Its
body is e4e's at a small width: residual blocks with squeeze and excitation. It starts at a quarter of the resolution,
with the 4x4 pixels of a cell as channels, since most of a CPU's time would go to the layers before that.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unripple.networks.irse import chain, stem
from unripple.networks.mobile_stylegan import STYLE_DIM, rows

#: Side of the cells of pixels that the body starts with.
CELL = 4
#: Widths of each stage's blocks; all stages but the first halve the sides.
STAGES = ((64, 64, 64), (64, 128, 128, 128), (128, 192, 192, 192), (192, 256, 256), (256, 256, 256))
#: Channels that are read off each of the last 4x4 cells.
READ = 64


class E4eLite(nn.Module):
    """``rgb: float (B, 3, 256, 256) in [-1, 1]`` -> ``w_plus (B, 18, 512)``, equal rows.

    ``stages``: as `STAGES`, for tests.
    """

    def __init__(self, stages: Sequence[Sequence[int]] = STAGES) -> None:
        super().__init__()
        self.cells = nn.PixelUnshuffle(CELL)
        self.stem = stem(3 * CELL**2, stages[0][0])
        self.body = nn.Sequential(*(chain(widths, stride=1 + (i > 0), excite=True) for i, widths in enumerate(stages)))
        self.reader = stem(stages[-1][-1], READ)
        side = 256 // CELL >> (len(stages) - 1)
        self.code = nn.Linear(READ * side**2, STYLE_DIM)

    def forward(self, rgb: Tensor) -> Tensor:
        if rgb.shape[1:] != (3, 256, 256):
            raise ValueError(f"rgb: expected (B, 3, 256, 256), found {tuple(rgb.shape)}")
        return rows(self.codes(rgb))

    def codes(self, rgb: Tensor) -> Tensor:
        """The codes without their rows: ``(B, 512)``."""
        read: Tensor = self.reader(self.body(self.stem(self.cells(rgb))))
        return torch.as_tensor(self.code(read.flatten(1)))
