"""Two codes in one pass: a generator that takes its styles from one where a person is and from the other elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks import mobile_stylegan, stylegan2

_STYLED = (mobile_stylegan.StyledConv, mobile_stylegan.ImageHead, stylegan2.StyledConv, stylegan2.ToRGB)


@contextmanager
def regional(generator: nn.Module, where: Tensor) -> Iterator[None]:
    """Within it a batch ``(2B, …)`` stands for B pictures with two codes each, the first B and the last B.

    Every layer that a style modulates is run with either style on the same features, and the results are joined:
    ``y = m layer(x, s1) + (1 - m) layer(x, s2)``, with m the area average of ``where`` at the layer's size. Both halves
    of what the generator gives are then the same.

    Args:
        generator: MobileStyleGAN or StyleGAN2.
        where: the first code's region, ``float (B, 1, H, H)`` in [0, 1], H a multiple or a part of each layer's side.
    """

    def joined(_layer: nn.Module, _given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        first, second = made.chunk(2)
        side = made.shape[-1]
        sized = F.interpolate(where, side, mode="area") if side < where.shape[-1] else F.interpolate(where, side)
        both = torch.lerp(second, first, sized.to(made))
        return torch.cat((both, both))

    layers = [layer for layer in generator.modules() if isinstance(layer, _STYLED)]
    handles = [layer.register_forward_hook(joined) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
