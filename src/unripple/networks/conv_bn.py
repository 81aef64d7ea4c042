"""Convolution and batch norm in one step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_bn(x: Tensor, conv: nn.Conv2d, bn: nn.BatchNorm2d) -> Tensor:
    """``bn(conv(x))`` for a convolution without bias and with zero padding.

    In eval mode the batch norm is folded into the weights: one pass over the features fewer, equal up to rounding.
    """
    if bn.training or bn.running_var is None or bn.running_mean is None:
        normed: Tensor = bn(conv(x))
        return normed
    scale = bn.weight * torch.rsqrt(bn.running_var + bn.eps)
    return F.conv2d(
        x,
        conv.weight * scale[:, None, None, None],
        bn.bias - bn.running_mean * scale,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
    )
