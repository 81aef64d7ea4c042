"""HFGI's two networks: adaptive distortion alignment and the consultation encoder (Wang et al., CVPR 2022).

Section 3.3 of the paper: ``Aligner`` (ADA, ``grid_align`` in the checkpoint) moves the distortion map of the photo
to where the edited face is. Section 3.2: ``ConsultationEncoder`` (Ec, ``residue``) turns the aligned map into what
is fused into the generator at 64x64. Keys of both state dicts are those of the published checkpoint.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.equalized import EqualConv2d, ScaledLeakyReLU
from unripple.networks.fusion import Fused
from unripple.networks.irse import chain, stem

#: Channels and size of the generator's features that are fused with.
FUSED_CHANNELS = 512
FUSED_SIZE = 64


def _resize_to(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class Aligner(nn.Module):
    """ADA: an encoder and decoder with skips that aligns a distortion map to an edited picture.

    Sides of the picture must be multiples of 8; HFGI uses 256.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_layer1 = stem(6, 16)
        self.conv_layer2 = chain((16, 32, 32, 32), stride=2)
        self.conv_layer3 = chain((32, 48, 48, 48), stride=2)
        self.conv_layer4 = chain((48, 64, 64, 64), stride=2)
        self.dconv_layer1 = chain((64 + 48, 64, 32, 32))
        self.dconv_layer2 = chain((32 + 32, 32, 16, 16))
        self.dconv_layer3 = chain((16 + 16, 16, 3, 3))

    def forward(self, distortion: Tensor, edited: Tensor) -> Tensor:
        """Align ``distortion`` to ``edited``.

        Args:
            distortion: photo minus inversion, ``float (B, 3, 256, 256)`` in [-2, 2].
            edited: the low-rate edit, ``rgb float (B, 3, 256, 256)`` in [-1, 1].

        Returns:
            The aligned distortion map, ``float (B, 3, 256, 256)``.
        """
        at256 = self.conv_layer1(torch.cat((distortion, edited), dim=1))
        at128 = self.conv_layer2(at256)
        at64 = self.conv_layer3(at128)
        at32 = self.conv_layer4(at64)
        x = self.dconv_layer1(torch.cat((_resize_to(at32, at64), at64), dim=1))
        x = self.dconv_layer2(torch.cat((_resize_to(x, at128), at128), dim=1))
        aligned: Tensor = self.dconv_layer3(torch.cat((_resize_to(x, at256), at256), dim=1))
        return aligned


def pass_distortion(aligner: Aligner) -> None:
    """Set weights so that an untrained ADA gives the distortion map back as it is, in eval mode exactly.

    ADA's finest skip, the stem's features, reaches the output through nothing but 1x1 convolutions: the map goes in as
    itself and its negative, since PReLU bends each, and their difference comes out. Training starts from a sharp map
    and learns to move it, where random weights first have to learn to copy, which takes thousands of steps.
    """
    state = aligner.state_dict()  # shares its tensors with the network
    first = state["conv_layer1.0.weight"]  # (16, 6, 3, 3)
    bend = state["conv_layer1.2.weight"]
    to16, to3 = (state[f"dconv_layer3.{block}.shortcut_layer.0.weight"] for block in (0, 1))
    skip = to16.shape[1] - len(first)  # the stem's features come after the upsampled ones
    first[:6] = 0
    to16[:6] = 0
    to3.zero_()
    for colour in range(3):
        for channel, sign in ((colour, 1.0), (3 + colour, -1.0)):
            first[channel, colour, 1, 1] = sign
            to16[channel, skip + channel] = 1
            to3[colour, channel] = sign / (1 + bend[channel])
    at_rest = (1 + nn.BatchNorm2d(1).eps) ** 0.5  # what a batch norm divides by before it has seen anything
    state["conv_layer1.1.weight"][:6] *= at_rest
    for block in range(3):
        state[f"dconv_layer3.{block}.res_layer.4.weight"].zero_()
    for block in range(2):
        state[f"dconv_layer3.{block}.shortcut_layer.1.weight"] *= at_rest


def _condition_head(width: int) -> nn.Sequential:
    # The last convolution starts at zero: an untrained encoder leaves the generator's features as they are.
    last = EqualConv2d(width, FUSED_CHANNELS, 3, padding=1)
    nn.init.zeros_(last.weight)
    return nn.Sequential(EqualConv2d(64, width, 3, padding=1), ScaledLeakyReLU(), last)


class ConsultationEncoder(nn.Module):
    """Ec: a distortion map at 256 -> what HFGI fuses at 64x64.

    ``width``: middle channels of the two condition heads; 512 in the published network.
    """

    def __init__(self, width: int = 512) -> None:
        super().__init__()
        self.conv_layer1 = stem(3, 32)
        self.conv_layer2 = chain((32, 48, 48, 48), stride=2)
        self.conv_layer3 = chain((48, 64, 64, 64), stride=2)
        self.condition_scale3 = _condition_head(width)
        self.condition_shift3 = _condition_head(width)

    def forward(self, distortion: Tensor) -> Fused:
        """``distortion: float (B, 3, 256, 256)`` -> scale and shift, ``float (B, 512, 64, 64)`` each."""
        x = self.conv_layer3(self.conv_layer2(self.conv_layer1(distortion)))
        return Fused(scale=self._at_fusion(self.condition_scale3(x)), shift=self._at_fusion(self.condition_shift3(x)))

    @staticmethod
    def _at_fusion(condition: Tensor) -> Tensor:
        if condition.shape[-2:] == (FUSED_SIZE, FUSED_SIZE):
            return condition
        return F.interpolate(condition, size=(FUSED_SIZE, FUSED_SIZE), mode="bilinear", align_corners=False)
