"""A preview of MobileStyleGAN's picture: its last two blocks at 128 px, in a fraction of their time.

They work at 256 and 512 px, and most of the time of a pass through the generator and back goes there. Whoever looks at
256 px does without: blocks of the same form that stay at 128 px are distilled from them (`training.preview`), and one
inverse Haar step makes the picture. Styles reach them through the generator's own affine layers.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.mobile_stylegan import BLOCK_CHANNELS, LEAK, MobileStyleGAN, inverse_haar

#: Index of the first block that it stands for.
FIRST = 5
#: Side of what that block gets, and of all layers of the preview.
SIDE = 128


def scales(generator: MobileStyleGAN, w_plus: Tensor) -> list[Tensor]:
    """What codes ``(B, 18, 512)`` multiply the inputs of the preview's layers by, each ``(B, C)``: as in the generator.

    Where a block starts with an inverse Haar step, that step's scale is in its first layer's, too.
    """
    found = []
    for i in range(FIRST, len(generator.blocks)):
        block, style = generator.block(i), w_plus[:, 2 * i + 1]
        found += [0.5 * block.up(style) * block.conv1.modulation(style).repeat(1, 4)]
        found += [block.conv2.modulation(w_plus[:, 2 * i + 2])]
    return [*found, generator.head.modulation(w_plus[:, -1])]


class ScaledConv(nn.Module):
    """Multiply by a scale, separable 3x3 convolution, add noise and bias, leaky ReLU: a ``StyledConv`` without styles.

    ``x float (B, C, 128, 128)`` and ``scale (B, C)`` -> ``(B, C', 128, 128)``.
    """

    noise: Tensor

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.conv = nn.Conv2d(channels_in, channels_out, 1)
        self.register_buffer("noise", torch.zeros(1, 1, SIDE, SIDE))

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(self.depthwise(x * scale[:, :, None, None])) + self.noise, LEAK)


class Preview(nn.Module):
    """Features before block `FIRST`, ``float (B, 256, 128, 128)``, -> rgb ``(B, 3, 256, 256)``, about [-1, 1].

    As `to_256` has it of the generator's picture, but for clamping.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        before = BLOCK_CHANNELS[FIRST - 1]
        for channels in BLOCK_CHANNELS[FIRST:]:
            self.layers += [ScaledConv(before, channels), ScaledConv(channels, channels)]
            before = channels
        self.head = nn.Conv2d(before, 12, 1)

    def layer(self, i: int) -> ScaledConv:
        """Layer ``i``: two for each block that it stands for."""
        return cast(ScaledConv, self.layers[i])

    def forward(self, x: Tensor, by: list[Tensor]) -> Tensor:
        for layer, scale in zip(self.layers, by[:-1], strict=True):
            x = layer(x, scale)
        return inverse_haar(0.5 * self.head(x * by[-1][:, :, None, None]))
