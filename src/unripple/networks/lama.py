"""LaMa (Suvorov et al., WACV 2022): large-mask inpainting with a residual network of fast Fourier convolutions.

The default numbers are those of big-lama. Smaller ones make the same network for the embedded models.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.ffc import Features, FFCBlock, FFCLayer

#: Sides of the padded picture are multiples of this.
PAD_MULTIPLE = 8


class _Open(nn.Module):
    """Pads for the 7x7 stem and starts the pair of features, still without a global part."""

    def forward(self, x: Tensor) -> Features:
        return Features(F.pad(x, (3, 3, 3, 3), mode="reflect"), None)


class _Join(nn.Module):
    """The local and the global part as one tensor."""

    def forward(self, x: Features) -> Tensor:
        return x.local if x.wide is None else torch.cat((x.local, x.wide), dim=1)


class LamaGenerator(nn.Module):
    """LaMa's generator; keys of the state dict are those of ``generator.`` in the published checkpoint.

    Args:
        ngf: channels after the stem; each downsampling doubles them.
        downsamplings: how often the picture is halved (big-lama: 3).
        blocks: residual blocks at the smallest size (big-lama: 18).
        ratio: share of the channels that are global, in the last downsampling and in the blocks.
    """

    def __init__(self, ngf: int = 64, downsamplings: int = 3, blocks: int = 18, ratio: float = 0.75) -> None:
        super().__init__()
        if downsamplings < 1:
            raise ValueError(f"LamaGenerator: expected downsamplings of at least 1, found {downsamplings}")
        layers: list[nn.Module] = [_Open(), FFCLayer(4, ngf, 7)]
        width = ngf
        for i in range(downsamplings):
            last = i == downsamplings - 1
            layers.append(FFCLayer(width, 2 * width, 3, stride=2, padding=1, ratio=ratio if last else 0.0))
            width *= 2
        layers.extend(FFCBlock(width, ratio) for _ in range(blocks))
        layers.append(_Join())
        for _ in range(downsamplings):
            layers.append(nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1))
            width //= 2
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Sigmoid()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """``x: float (B, 4, H, W)`` from ``masked_input`` -> ``rgb float (B, 3, H, W) in [0, 1]``.

        Sides must be multiples of 8 (of ``2 ** downsamplings``).
        """
        predicted: Tensor = self.model(x)
        return predicted


def masked_input(image: Tensor, mask: Tensor) -> Tensor:
    """What the generator sees: the picture with a black hole, and the mask.

    ``image: rgb float (B, 3, H, W) in [0, 1]``; ``mask: (B, 1, H, W)``, non-zero where to paint
    -> ``float (B, 4, H, W)``.
    """
    hole = (mask != 0).to(image.dtype)
    return torch.cat((image * (1 - hole), hole), dim=1)


def pad_symmetric(x: Tensor, multiple: int = PAD_MULTIPLE) -> Tensor:
    """Mirror rows and columns, the border pixel included, at the bottom and right up to a multiple of ``multiple``."""
    h, w = x.shape[-2:]
    down, right = -h % multiple, -w % multiple
    if down > h or right > w:
        raise ValueError(f"pad_symmetric: expected a picture of at least {multiple // 2} px, found {h} x {w}")
    x = torch.cat((x, x[..., h - down :, :].flip(-2)), dim=-2)
    return torch.cat((x, x[..., w - right :].flip(-1)), dim=-1)


def inpaint_unit(net: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
    """LaMa's prediction flow: pad, predict, keep the prediction inside the mask, crop.

    Args:
        net: a ``LamaGenerator``.
        image: ``rgb float (B, 3, H, W)`` in [0, 1], any size of more than 8 px.
        mask: bool (or non-zero = paint) ``(B, 1, H, W)``.

    Returns:
        ``rgb float (B, 3, H, W)`` in [0, 1]; outside the mask bit-equal to ``image``.

    Raises:
        ValueError: the mask does not fit the picture, or that is too small.
    """
    if mask.shape != (len(image), 1, *image.shape[-2:]):
        raise ValueError(f"inpaint: expected a mask {(len(image), 1, *image.shape[-2:])}, found {tuple(mask.shape)}")
    h, w = image.shape[-2:]
    if min(h, w) <= PAD_MULTIPLE:
        raise ValueError(f"inpaint: expected a picture of more than {PAD_MULTIPLE} px, found {h} x {w}")
    predicted = net(masked_input(pad_symmetric(image), pad_symmetric(mask)))[..., :h, :w]
    return torch.where(mask != 0, predicted, image)


def inpaint(net: nn.Module, rgb: Tensor, mask: Tensor) -> Tensor:
    """``inpaint_unit`` for ``rgb float (B, 3, H, W) in [-1, 1]`` and ``mask bool (B, 1, H, W)``.

    Outside the mask the picture returns bit-equal.
    """
    return torch.where(mask != 0, inpaint_unit(net, (rgb + 1) / 2, mask) * 2 - 1, rgb)
