"""StyleGAN2 config-f (Karras et al., CVPR 2020) with HFGI's fusion at 64x64, in plain torch.

Keys of the state dict are those of the PyTorch port that e4e, pSp and HFGI build on (``g_ema``, ``decoder.``).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.equalized import LEAK, EqualLinear, scaled_leaky_relu
from unripple.networks.fusion import Fused, FusionState, fuse

STYLE_DIM = 512
MAPPING_LAYERS = 8
#: Channels of the features at each size.
CHANNELS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
#: Styled convolutions below HFGI's fusion, after the constant's own: up to the first one at 64x64.
BELOW_FUSION = 7


class PixelNorm(nn.Module):
    """Each code divided by its root mean square."""

    def forward(self, z: Tensor) -> Tensor:
        return z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)


class MappingLayer(EqualLinear):
    """An equalised linear layer with learning rate multiplier 0.01, then scaled leaky ReLU."""

    def __init__(self) -> None:
        super().__init__(STYLE_DIM, STYLE_DIM, lr_mul=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return scaled_leaky_relu(super().forward(x))


def truncate(w: Tensor, mean: Tensor, psi: float) -> Tensor:
    """The truncation trick: ``mean + psi * (w - mean)``; ``w: (..., 512)``, ``mean`` broadcast to it."""
    return mean + psi * (w - mean)


class FIR(nn.Module):
    """Holder of the low-pass kernel ``outer([1, 3, 3, 1])``, with sum 4: the gain that upsampling by two needs."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.register_buffer("kernel", torch.outer(taps, taps) / 16)

    def per_channel(self, channels: int) -> Tensor:
        """The kernel as weights of a depth-wise convolution, ``(channels, 1, 4, 4)``."""
        return self.kernel.expand(channels, 1, 4, 4)


class Blur(FIR):
    """Low-pass after a transposed convolution: ``(B, C, 2H + 1, 2W + 1) -> (B, C, 2H, 2W)``."""

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        return F.conv2d(x, self.per_channel(channels), padding=1, groups=channels)


class Upsample(FIR):
    """Twice the size, low-passed: ``(B, C, H, W) -> (B, C, 2H, 2W)``."""

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        return F.conv_transpose2d(x, self.per_channel(channels), stride=2, padding=1, groups=channels)


class ModulatedConv2d(nn.Module):
    """Convolution whose input channels are scaled by the style, and its outputs back to unit variance (section 2.2).

    ``x: (B, in, H, W), style: (B, 512) -> (B, out, H, W)``, twice the size with ``upsample``.
    """

    def __init__(
        self, channels_in: int, channels: int, size: int, *, demodulate: bool = True, upsample: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, channels, channels_in, size, size))
        self.blur = Blur() if upsample else None
        self.modulation = EqualLinear(STYLE_DIM, channels_in, bias=1.0)
        self.gain = 1 / math.sqrt(channels_in * size**2)
        self.demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale = self.modulation(style)  # (B, in)
        weight = self.weight[0] * self.gain  # (out, in, k, k)
        demod = self._demodulation(weight, scale) if self.demodulate else None  # (B, out)
        if len(x) == 1:  # One picture: scaling the weights is less work than scaling its features.
            weight = weight * scale[0, None, :, None, None]
            if demod is not None:
                weight = weight * demod[0, :, None, None, None]
            return self._convolve(x, weight)
        x = self._convolve(x * scale[:, :, None, None], weight)
        return x if demod is None else x * demod[:, :, None, None]

    @staticmethod
    def _demodulation(weight: Tensor, scale: Tensor) -> Tensor:
        energy = weight.float().square().sum(dim=(2, 3))  # (out, in)
        return torch.rsqrt(scale.float().square() @ energy.T + 1e-8).to(weight.dtype)

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        if self.blur is None:
            return F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        up: Tensor = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        return up


class NoiseInjection(nn.Module):
    """Adds the stored noise picture, scaled by one learned number, to ``x`` in place."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return x.add_(self.weight * noise)


class BiasActivation(nn.Module):
    """A bias per channel and scaled leaky ReLU, in place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        # The gain goes before the activation, where it is as right and where autograd allows work in place.
        return F.leaky_relu_(x.add_(self.bias[:, None, None]).mul_(math.sqrt(2)), LEAK)


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, noise, bias and activation."""

    def __init__(self, channels_in: int, channels: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(channels_in, channels, 3, upsample=upsample)
        self.noise = NoiseInjection()
        self.activate = BiasActivation(channels)

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        out: Tensor = self.activate(self.noise(self.conv(x, style), noise))
        return out


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to a picture, added to the smaller picture so far (its skip)."""

    def __init__(self, channels: int, *, upsample: bool = True) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.upsample = Upsample() if upsample else None
        self.conv = ModulatedConv2d(channels, 3, 1, demodulate=False)

    def forward(self, x: Tensor, style: Tensor, skip: Tensor | None = None) -> Tensor:
        rgb: Tensor = self.conv(x, style) + self.bias
        if skip is None:
            return rgb
        return rgb + (skip if self.upsample is None else self.upsample(skip))


class Constant(nn.Module):
    """The learned 4x4 input."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, CHANNELS[4], 4, 4))

    def forward(self, batch: int) -> Tensor:
        return self.input.expand(batch, -1, -1, -1)


class StyleGAN2(nn.Module):
    """Mapping and synthesis. ``w_plus: float (B, rows, 512)`` -> ``rgb: float (B, 3, size, size)``, about [-1, 1].

    ``rows`` is 18 at 1024. Noise is what the checkpoint stores, never drawn: a code always gives the same picture.
    As with the other generators the pass is cut where HFGI fuses, so that fusions of one code share what lies below.

    Args:
        size: side of the picture, a power of two from 64 to 1024.
    """

    def __init__(self, size: int = 1024) -> None:
        super().__init__()
        sizes = [s for s in CHANNELS if s <= size]
        if size < 64 or sizes[-1] != size:
            raise ValueError(f"StyleGAN2: expected size 64, 128, 256, 512 or 1024, found {size}")
        self.resolution = size
        self.rows = 2 * len(sizes)
        self.style = nn.Sequential(PixelNorm(), *(MappingLayer() for _ in range(MAPPING_LAYERS)))
        self.input = Constant()
        self.conv1 = StyledConv(CHANNELS[4], CHANNELS[4])
        self.to_rgb1 = ToRGB(CHANNELS[4], upsample=False)
        self.convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        self.noises = nn.Module()
        self.noises.register_buffer("noise_0", torch.randn(1, 1, 4, 4))
        for s in sizes[1:]:
            self.convs.append(StyledConv(CHANNELS[s // 2], CHANNELS[s], upsample=True))
            self.convs.append(StyledConv(CHANNELS[s], CHANNELS[s]))
            self.to_rgbs.append(ToRGB(CHANNELS[s]))
            for _ in range(2):
                self.noises.register_buffer(f"noise_{len(self.noises._buffers)}", torch.randn(1, 1, s, s))

    def mapping(self, z: Tensor) -> Tensor:
        """``z: float (B, 512)`` standard normal -> ``w: float (B, 512)``."""
        w: Tensor = self.style(z)
        return w

    def to_fusion(self, w_plus: Tensor) -> FusionState:
        """``w_plus: (B, rows, 512)`` -> features ``(B, 512, 64, 64)`` before HFGI's fusion, and the 32x32 picture."""
        if w_plus.shape[1:] != (self.rows, STYLE_DIM):
            raise ValueError(f"StyleGAN2: expected w_plus (B, {self.rows}, {STYLE_DIM}), found {tuple(w_plus.shape)}")
        x = self.conv1(self.input(len(w_plus)), w_plus[:, 0], self._noise(0))
        skip = self.to_rgb1(x, w_plus[:, 1])
        return FusionState(*self._convolve(x, skip, w_plus, range(BELOW_FUSION)))

    def from_fusion(self, state: FusionState, w_plus: Tensor, fused: Fused | None = None) -> Tensor:
        """Features before the fusion, and what to fuse, -> ``rgb (B, 3, size, size)``."""
        x = fuse(state.features, fused)
        _, skip = self._convolve(x, state.skip, w_plus, range(BELOW_FUSION, len(self.convs)))
        assert skip is not None
        return skip

    def forward(self, w_plus: Tensor, fused: Fused | None = None) -> Tensor:
        return self.from_fusion(self.to_fusion(w_plus), w_plus, fused)

    def _noise(self, layer: int) -> Tensor:
        return self.noises.get_buffer(f"noise_{layer}")

    def _convolve(self, x: Tensor, skip: Tensor | None, w_plus: Tensor, layers: range) -> tuple[Tensor, Tensor | None]:
        # Convolution i reads row i + 1; after every second one (row i + 2) the picture so far is renewed.
        for i in layers:
            x = self.convs[i](x, w_plus[:, i + 1], self._noise(i + 1))
            if i % 2:
                skip = self.to_rgbs[i // 2](x, w_plus[:, i + 2], skip)
        return x, skip
