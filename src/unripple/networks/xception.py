"""Xception as DeepLab v3+ changes it (Chen et al., ECCV 2018, figure 4), with output stride 16: Graphonomy's body."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.conv_bn import conv_bn

MIDDLE_BLOCKS = range(4, 20)
#: Dilations above this are wide: see `SeparableConv2d`.
WIDE = 2


class SeparableConv2d(nn.Module):
    """Depth-wise 3x3, then 1x1 convolution, each with batch norm; same size at stride 1.

    ``activate`` puts a ReLU after each of the two.

    Where the dilation is wide, zeros are put to the left and the right beforehand: with so much padding oneDNN leaves
    its fast kernels for channels last, and takes up to 60 times as long (12 and 18 with AVX-512, 6 too with AVX2).
    """

    def __init__(
        self, channels_in: int, channels: int, *, stride: int = 1, dilation: int = 1, activate: bool = False
    ) -> None:
        super().__init__()
        self.beside = dilation if dilation > WIDE else 0
        padding = (dilation, 0 if self.beside else dilation)
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, stride, padding, dilation, channels_in, bias=False)
        self.depthwise_bn = nn.BatchNorm2d(channels_in)
        self.pointwise = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.pointwise_bn = nn.BatchNorm2d(channels)
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        if self.beside:
            x = F.pad(x, (self.beside, self.beside))
        x = conv_bn(x, self.depthwise, self.depthwise_bn)
        if self.activate:
            x = F.relu_(x)
        x = conv_bn(x, self.pointwise, self.pointwise_bn)
        return F.relu_(x) if self.activate else x


class Block(nn.Module):
    """Separable convolutions with a ReLU before each, and a shortcut.

    The trained network applied the first ReLU in place, so its shortcut sees the rectified input too; a block with
    ``rectified_input`` gets one that already is and starts with a convolution.

    Args:
        widths: channels of the input, then of each separable convolution's output.
        stride: of the last convolution, and of the shortcut.
    """

    def __init__(self, widths: tuple[int, ...], *, stride: int = 1, rectified_input: bool = False) -> None:
        super().__init__()
        self.skip: nn.Conv2d | None = None
        if widths[0] != widths[-1] or stride != 1:
            self.skip = nn.Conv2d(widths[0], widths[-1], 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(widths[-1])
        self.rectified_input = rectified_input
        strides = [1] * (len(widths) - 2) + [stride]
        self.rep = self._layers(widths, strides)

    def _layers(self, widths: tuple[int, ...], strides: list[int]) -> nn.Sequential:
        layers: list[nn.Module] = []
        for i, step in enumerate(strides):
            if i:
                layers.append(nn.ReLU(inplace=True))
            elif not self.rectified_input:
                layers.append(nn.Identity())  # stands where the published keys count the first ReLU
            layers.append(SeparableConv2d(widths[i], widths[i + 1], stride=step))
        return nn.Sequential(*layers)

    def shortcut(self, x: Tensor) -> Tensor:
        """What is added to the convolutions' output; ``x`` is rectified."""
        return x if self.skip is None else conv_bn(x, self.skip, self.skipbn)

    def forward(self, x: Tensor) -> Tensor:
        if not self.rectified_input:
            x = F.relu(x)
        out: Tensor = self.rep(x)
        return out.add_(self.shortcut(x))


class TappedBlock(Block):
    """The second block, whose features before its strided convolution the decoder reads too."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__((channels_in, channels, channels), stride=2)
        self.block2_lastconv = nn.Sequential(nn.ReLU(), SeparableConv2d(channels, channels, stride=2))

    def _layers(self, widths: tuple[int, ...], strides: list[int]) -> nn.Sequential:
        return super()._layers(widths, [1] * len(strides))

    def tapped(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """-> the block's output, and the features before the strided convolution (twice the size)."""
        x = F.relu(x)
        low: Tensor = self.rep(x)
        out: Tensor = self.block2_lastconv(low)
        return out.add_(self.shortcut(x)), low


class XceptionFeatures(NamedTuple):
    """``high: (B, 2048, H/16, W/16)``; ``low: (B, 256, H/4, W/4)``."""

    high: Tensor
    low: Tensor


class Xception(nn.Module):
    """``rgb: float (B, 3, H, W)`` -> features at 1/16 and at 1/4 of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.block1 = Block((64, 128, 128, 128), stride=2, rectified_input=True)
        self.block2 = TappedBlock(128, 256)
        self.block3 = Block((256, 728, 728, 728), stride=2)
        for i in MIDDLE_BLOCKS:
            self.add_module(f"block{i}", Block((728, 728, 728, 728)))
        self.block20 = Block((728, 728, 1024, 1024))
        self.conv3 = SeparableConv2d(1024, 1536, dilation=2, activate=True)
        self.conv4 = SeparableConv2d(1536, 1536, dilation=2, activate=True)
        self.conv5 = SeparableConv2d(1536, 2048, dilation=2, activate=True)

    def forward(self, x: Tensor) -> XceptionFeatures:
        x = F.relu_(conv_bn(x, self.conv1, self.bn1))
        x = F.relu_(conv_bn(x, self.conv2, self.bn2))
        x, low = self.block2.tapped(self.block1(x))
        x = self.block3(x)
        for i in MIDDLE_BLOCKS:
            x = self.get_submodule(f"block{i}")(x)
        return XceptionFeatures(self.conv5(self.conv4(self.conv3(self.block20(x)))), low)
