"""A preview of MobileStyleGAN's picture from its inner features: small pictures for a fraction of the arithmetic.

While it was distilled the network had an image head at every size; only the last one was published. These are fitted
by us (``unripple.training.preview``) to the published picture. They are for gradients and for training data; pictures
of the study come from the generator itself.
"""

from __future__ import annotations

from typing import Final, cast

from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.fusion import Fused
from unripple.networks.mobile_stylegan import BLOCK_CHANNELS, LEAK, STYLE_DIM, MobileStyleGAN, inverse_haar

#: Side of the preview -> the block whose features it is read from, which have half that side.
BLOCK_OF: Final = {64: 2, 128: 3, 256: 4}
#: Channels of a head's convolutions.
WIDTH: Final = 48


class PreviewHead(nn.Module):
    """Features of one block, modulated as an image head modulates them, to rgb at twice their side.

    A 1x1 convolution gives the picture's wavelet bands, as in the published network; beside it some 3x3 convolutions
    stand for what the blocks that are left out would have added.
    """

    def __init__(self, channels: int, width: int = WIDTH) -> None:
        super().__init__()
        self.modulation = nn.Linear(STYLE_DIM, channels)
        self.bands = nn.Conv2d(channels, 12, 1)
        self.reduce = nn.Conv2d(channels, width, 1)
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.details = nn.Conv2d(width, 12, 1)
        nn.init.zeros_(self.modulation.weight)
        nn.init.ones_(self.modulation.bias)
        nn.init.zeros_(self.details.weight)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """``x (B, C, R, R)`` and ``style (B, 512)`` -> ``rgb (B, 3, 2R, 2R)``."""
        x = x * self.modulation(style)[:, :, None, None]  # (B, C, R, R)
        hidden = F.leaky_relu(self.reduce(x), LEAK)  # (B, width, R, R)
        for convolution in self.convolutions:
            hidden = F.leaky_relu(convolution(hidden), LEAK)
        return inverse_haar(0.5 * (self.bands(x) + self.details(hidden)))


class Preview(nn.Module):
    """The heads of all sides. The generator is handed in: its weights are not part of this network's state."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({str(s): PreviewHead(BLOCK_CHANNELS[b], width) for s, b in BLOCK_OF.items()})

    def forward(self, generator: MobileStyleGAN, w_plus: Tensor, side: int = 256, fused: Fused | None = None) -> Tensor:
        """Codes, and what to fuse, -> about the generator's picture at a side of 64, 128 or 256.

        Args:
            generator: the network whose picture it is, in the dtype of the codes.
            w_plus: ``float (B, 18, 512)``.
            fused: what HFGI fuses at 64x64; seen by the sides 128 and 256 alone.

        Returns:
            ``float (B, 3, side, side)``, rgb in about [-1, 1].
        """
        block = BLOCK_OF[side]
        return self.head(side)(generator.features(w_plus, block, fused), w_plus[:, 2 * block + 3])

    def head(self, side: int) -> PreviewHead:
        """The head of one side."""
        return cast(PreviewHead, self.heads[str(side)])
