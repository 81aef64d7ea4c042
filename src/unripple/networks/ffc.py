"""Fast Fourier convolution (Chi et al., NeurIPS 2020) as LaMa uses it (Suvorov et al., WACV 2022, section 2.1).

Features travel as a pair: a local part, convolved as usual, and a global part, convolved in the Fourier domain
where every weight sees the whole picture. Either convolution also feeds the other part.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Features(NamedTuple):
    """``local``: float (B, Cl, H, W); ``wide``: the global part, float (B, Cg, H, W), or None where there is none."""

    local: Tensor
    wide: Tensor | None


class Channels(NamedTuple):
    """Channels of the local and of the global part."""

    local: int
    wide: int


class FourierUnit(nn.Module):
    """1x1 convolution, batch norm and ReLU on the real and imaginary parts of the spectrum.

    ``float (B, C, H, W)`` -> the same shape. The transform is orthonormal and always computed in float32, because
    half precision has no general FFT.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        spectrum = torch.view_as_real(torch.fft.rfft2(x.float(), norm="ortho"))  # (B, C, H, W/2+1, 2)
        parts = spectrum.permute(0, 1, 4, 2, 3).reshape(b, 2 * c, h, -1).to(x.dtype)  # c0 re, c0 im, c1 re, ...
        parts = torch.relu(self.bn(self.conv_layer(parts)))
        spectrum = parts.float().reshape(b, c, 2, h, -1).permute(0, 1, 3, 4, 2).contiguous()
        out: Tensor = torch.fft.irfft2(torch.view_as_complex(spectrum), s=(h, w), norm="ortho")
        return out.to(x.dtype)


class SpectralTransform(nn.Module):
    """Global to global: reduce the channels, add the Fourier unit's output, expand."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        middle = channels // 2
        self.conv1 = nn.Sequential(
            nn.Conv2d(channels_in, middle, 1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
        )
        self.fu = FourierUnit(middle)
        self.conv2 = nn.Conv2d(middle, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        out: Tensor = self.conv2(x + self.fu(x))
        return out


def _conv(channels_in: int, channels: int, size: int, stride: int, padding: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, size, stride, padding, bias=False, padding_mode="reflect")


class FFC(nn.Module):
    """The four convolutions between the local and the global parts; those of an empty part do not exist.

    Args:
        channels_in: channels of the input, both parts together.
        channels: the same of the output.
        ratio_in: share of the global part in the input.
        ratio: the same in the output. A global input has stride 1.
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        ratio_in: float = 0.0,
        ratio: float = 0.0,
    ) -> None:
        super().__init__()
        wide_in, wide = int(channels_in * ratio_in), int(channels * ratio)
        local_in, local = channels_in - wide_in, channels - wide
        if wide_in and stride != 1:
            raise ValueError(f"FFC: expected stride 1 where the input has a global part, found {stride}")
        self.convl2l = _conv(local_in, local, size, stride, padding)
        self.convl2g = _conv(local_in, wide, size, stride, padding) if wide else None
        self.convg2l = _conv(wide_in, local, size, stride, padding) if wide_in else None
        self.convg2g = SpectralTransform(wide_in, wide) if wide_in and wide else None
        self.channels = Channels(local, wide)

    def forward(self, x: Features) -> Features:
        local = self.convl2l(x.local)
        wide = None if self.convl2g is None else self.convl2g(x.local)
        if self.convg2l is not None:
            local = local + self.convg2l(x.wide)
        if self.convg2g is not None:
            wide = wide + self.convg2g(x.wide)
        return Features(local, wide)


class FFCLayer(nn.Module):
    """FFC, then batch norm and ReLU on each part."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        ratio_in: float = 0.0,
        ratio: float = 0.0,
    ) -> None:
        super().__init__()
        self.ffc = FFC(channels_in, channels, size, stride=stride, padding=padding, ratio_in=ratio_in, ratio=ratio)
        self.bn_l = nn.BatchNorm2d(self.ffc.channels.local)
        self.bn_g = nn.BatchNorm2d(self.ffc.channels.wide) if self.ffc.channels.wide else None

    def forward(self, x: Features) -> Features:
        local, wide = self.ffc(x)
        return Features(
            local=torch.relu(self.bn_l(local)),
            wide=None if self.bn_g is None else torch.relu(self.bn_g(wide)),
        )


class FFCBlock(nn.Module):
    """Two FFC layers and the identity; the last activation comes before the sum."""

    def __init__(self, channels: int, ratio: float) -> None:
        super().__init__()
        self.conv1 = FFCLayer(channels, channels, 3, padding=1, ratio_in=ratio, ratio=ratio)
        self.conv2 = FFCLayer(channels, channels, 3, padding=1, ratio_in=ratio, ratio=ratio)

    def forward(self, x: Features) -> Features:
        local, wide = self.conv2(self.conv1(x))
        return Features(x.local + local, None if x.wide is None else x.wide + wide)
