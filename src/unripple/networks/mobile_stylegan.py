"""MobileStyleGAN-FFHQ (Belousov, 2021, arXiv:2104.04767): a distilled StyleGAN2 whose W is StyleGAN2-FFHQ's.

The student has no style-dependent demodulation: each styled convolution multiplies its input by an affine
function of the style and convolves with static depth-wise and point-wise weights. Pictures leave the network
in the wavelet domain and become pixels by one inverse Haar step.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.fusion import Fused, FusionState, fuse

STYLE_DIM = 512
STYLE_ROWS = 18
LEAK = 0.2

#: Channels of the styled convolutions in each block, 8x8 to 512x512.
BLOCK_CHANNELS = (512, 512, 512, 512, 256, 128, 64)
#: Index of the block that works at 64x64, where HFGI fuses.
FUSION_BLOCK = 3


def rows(w: Tensor) -> Tensor:
    """``w (B, 512)`` -> ``w_plus (B, 18, 512)``, the same code in every row."""
    return w[:, None].expand(-1, STYLE_ROWS, -1)


class Mapping(nn.Module):
    """StyleGAN's mapping network: pixel norm, then 8 linear layers with leaky ReLU 0.2.

    ``z: float (B, 512)`` standard normal -> ``w: float (B, 512)``. The equalised learning rate and the gain
    of the published network are folded into the weights.
    """

    def __init__(self, layers: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(STYLE_DIM, STYLE_DIM) for _ in range(layers))

    def forward(self, z: Tensor) -> Tensor:
        w = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        for layer in self.layers:
            w = F.leaky_relu(layer(w), LEAK)
        return w


class _HaarSum(torch.autograd.Function):
    """Four bands to the pixels of 2x2 cells by sums and differences; its transpose is the same kind of sum.

    Written out because slices written in place move an eighth of the bytes that stack and pixel shuffle do, and the
    512 px layers are bound by memory.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        low, rows, cols, diag = x.chunk(4, dim=1)
        b, c, h, w = low.shape
        channels_last = x.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        out = torch.empty(b, c, 2 * h, 2 * w, dtype=x.dtype, device=x.device, memory_format=layout)
        same, other = low + rows, cols + diag
        torch.add(same, other, out=out[:, :, 0::2, 0::2])
        torch.sub(same, other, out=out[:, :, 0::2, 1::2])
        torch.sub(low, rows, out=same)
        torch.sub(cols, diag, out=other)
        torch.add(same, other, out=out[:, :, 1::2, 0::2])
        torch.sub(same, other, out=out[:, :, 1::2, 1::2])
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (g,) = grads
        top, bottom = g[:, :, 0::2], g[:, :, 1::2]
        even, odd = top + bottom, top - bottom  # low and cols read the sum, rows and diag the difference
        return torch.cat(
            (
                even[..., 0::2] + even[..., 1::2],
                odd[..., 0::2] + odd[..., 1::2],
                even[..., 0::2] - even[..., 1::2],
                odd[..., 0::2] - odd[..., 1::2],
            ),
            dim=1,
        )


def inverse_haar(x: Tensor) -> Tensor:
    """One inverse Haar step without its factor 1/2, which callers put into a style or a small tensor.

    ``x: float (B, 4C, H, W)``, the low, vertical, horizontal and diagonal bands of C channels each, one band after the
    other -> ``float (B, C, 2H, 2W)``.
    """
    out: Tensor = _HaarSum.apply(x)
    return out


#: Cells of the 64x64 layer that a window's cut sides may disturb: 1 there, 1 + 1/2 + 1/4 above, rounded up.
MARGIN = 3


class Window(NamedTuple):
    """A square part of the picture, in cells of the 64x64 layer (16 px of the picture each)."""

    top: int
    left: int
    side: int

    def cut(self, x: Tensor) -> Tensor:
        """This part of ``x (…, R, R)``, R a multiple of 64."""
        cell = x.shape[-1] // 64
        rows = slice(self.top * cell, (self.top + self.side) * cell)
        return x[..., rows, self.left * cell : (self.left + self.side) * cell]


class StyledConv(nn.Module):
    """Multiply by affine(style), convolve with static weights, add stored noise and bias, leaky ReLU 0.2."""

    def __init__(self, channels_in: int, channels_out: int, size: int, *, separable: bool = True) -> None:
        super().__init__()
        self.modulation = nn.Linear(STYLE_DIM, channels_in)
        self.depthwise: nn.Conv2d | None = None
        if separable:
            self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
            self.conv = nn.Conv2d(channels_in, channels_out, 1)
        else:
            self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.noise = nn.Parameter(torch.zeros(1, 1, size, size))

    def forward(self, x: Tensor, style: Tensor, window: Window | None = None) -> Tensor:
        scale = self.modulation(style)[:, :, None, None]
        if self.depthwise is None:
            x = x * scale
        elif len(x) == 1 and not torch.is_grad_enabled():
            # The same, with the scale in the weights: large layers are bound by memory, and this is one pass less.
            x = F.conv2d(x, self.depthwise.weight * scale[0, :, None], padding=1, groups=x.shape[1])
        else:
            x = self.depthwise(x * scale)
        noise = self.noise if window is None else window.cut(self.noise)
        return F.leaky_relu_(self.conv(x).add_(noise), LEAK)


class Block(nn.Module):
    """Inverse Haar upsampling (modulated) and two styled convolutions; rows 2i+1 and 2i+2 of ``w_plus``."""

    def __init__(self, number: int, channels_in: int, channels_out: int, size: int) -> None:
        super().__init__()
        self.number = number
        self.up = nn.Linear(STYLE_DIM, channels_in)
        self.conv1 = StyledConv(channels_in // 4, channels_out, size)
        self.conv2 = StyledConv(channels_out, channels_out, size)

    def first(self, x: Tensor, style: Tensor, window: Window | None = None) -> Tensor:
        """Up to and with the first convolution: ``(B, C, R, R)`` -> ``(B, C', 2R, 2R)``."""
        x = inverse_haar(x * (0.5 * self.up(style))[:, :, None, None])
        first: Tensor = self.conv1(x, style, window)
        return first

    def forward(self, x: Tensor, w_plus: Tensor, window: Window | None = None) -> Tensor:
        x = self.first(x, w_plus[:, 2 * self.number + 1], window)
        second: Tensor = self.conv2(x, w_plus[:, 2 * self.number + 2], window)
        return second


class ImageHead(nn.Module):
    """Modulated 1x1 convolution to 12 wavelet channels and one inverse Haar step: rgb at twice the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(STYLE_DIM, channels)
        self.conv = nn.Conv2d(channels, 12, 1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale = self.modulation(style)[:, :, None, None]
        if len(x) == 1 and not torch.is_grad_enabled():  # see StyledConv
            return inverse_haar(0.5 * F.conv2d(x, self.conv.weight * scale, self.conv.bias))
        return inverse_haar(0.5 * self.conv(x * scale))


class MobileStyleGAN(nn.Module):
    """Synthesis network. ``w_plus: float (B, 18, 512)`` -> ``rgb: float (B, 3, 1024, 1024)``, about [-1, 1].

    The forward pass is cut at HFGI's fusion point (after the first styled convolution of the 64x64 block) so that
    several fusions of one edit share all that lies below: ``to_fusion`` then ``from_fusion``.
    """

    resolution = 1024

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.zeros(1, STYLE_DIM, 4, 4))
        self.conv0 = StyledConv(STYLE_DIM, STYLE_DIM, 4, separable=False)
        channels = (STYLE_DIM, *BLOCK_CHANNELS)
        self.blocks = nn.ModuleList(Block(i, channels[i], channels[i + 1], 8 << i) for i in range(len(BLOCK_CHANNELS)))
        self.head = ImageHead(BLOCK_CHANNELS[-1])

    def to_fusion(self, w_plus: Tensor) -> FusionState:
        """``w_plus: (B, 18, 512)`` -> features ``(B, 512, 64, 64)`` right before HFGI's fusion."""
        x = self.features(w_plus, FUSION_BLOCK)
        x = self.block(FUSION_BLOCK).first(x, w_plus[:, 2 * FUSION_BLOCK + 1])
        return FusionState(features=x, skip=None)

    def from_fusion(
        self, state: FusionState, w_plus: Tensor, fused: Fused | None = None, window: Window | None = None
    ) -> Tensor:
        """Features before the fusion, and what to fuse, -> ``rgb (B, 3, 1024, 1024)``.

        With a ``window`` only that part of the picture is made, ``(B, 3, 16 side, 16 side)``; up to `MARGIN` cells
        along its cut sides differ from the whole picture, since convolutions there see zeros.
        """
        x = fuse(state.features, fused)
        if window is not None:
            x = window.cut(x)
        x = self.block(FUSION_BLOCK).conv2(x, w_plus[:, 2 * FUSION_BLOCK + 2], window)
        for i in range(FUSION_BLOCK + 1, len(self.blocks)):
            x = self.block(i)(x, w_plus, window)
        rgb: Tensor = self.head(x, w_plus[:, -1])
        return rgb

    def features(self, w_plus: Tensor, blocks: int) -> Tensor:
        """What the first ``blocks`` make of ``w_plus (B, 18, 512)``: ``(B, C, R, R)``."""
        x: Tensor = self.conv0(self.constant.expand(len(w_plus), -1, -1, -1), w_plus[:, 0])
        for i in range(blocks):
            x = self.block(i)(x, w_plus)
        return x

    def block(self, i: int) -> Block:
        """Block ``i``, 0 to 6: 8x8 to 512x512."""
        return cast(Block, self.blocks[i])

    def forward(self, w_plus: Tensor, fused: Fused | None = None) -> Tensor:
        return self.from_fusion(self.to_fusion(w_plus), w_plus, fused)
