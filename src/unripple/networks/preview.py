"""A preview of MobileStyleGAN's picture at 256 px, from its 128x128 features: a fifth of the arithmetic.

While it was distilled the network had an image head at every size; only the last one was published. This one is fitted
by us (``unripple.training.preview``). It is for gradients: fine detail differs from the real picture's.
"""

from __future__ import annotations

from torch import Tensor, nn

from unripple.networks.fusion import Fused, FusionState
from unripple.networks.mobile_stylegan import BLOCK_CHANNELS, PREVIEW_BLOCK, ImageHead, MobileStyleGAN

#: Row of ``w_plus`` that the head reads, as the image head of this size would.
ROW = 2 * PREVIEW_BLOCK + 3


class Preview(nn.Module):
    """An image head after the 128x128 block: ``rgb float (B, 3, 256, 256)``, about [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.head = ImageHead(BLOCK_CHANNELS[PREVIEW_BLOCK])

    def forward(
        self, generator: MobileStyleGAN, state: FusionState, w_plus: Tensor, fused: Fused | None = None
    ) -> Tensor:
        """Features before the fusion, codes ``(B, 18, 512)`` and what to fuse -> the picture at 256."""
        rgb: Tensor = self.head(generator.to_preview(state, w_plus, fused), w_plus[:, ROW])
        return rgb
