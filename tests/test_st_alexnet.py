"""The trunk's first layer: one convolution that is two."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unripple.networks.st_alexnet import blur_pool, blurred_conv


@pytest.mark.parametrize(("height", "width"), [(24, 30), (15, 16), (17, 19)])  # even, odd in one way, odd
@pytest.mark.parametrize("padding", [0, 2])
def test_a_blurred_convolution_is_the_convolution_blurred(height: int, width: int, padding: int) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 5, 7, padding=padding).double()
    x = torch.randn(2, 3, height, width, dtype=torch.double, requires_grad=True)
    wanted, found = blur_pool(conv(x)), blurred_conv(conv, x)
    torch.testing.assert_close(found, wanted)
    direction = torch.randn(wanted.shape, dtype=torch.double)
    torch.testing.assert_close(*(torch.autograd.grad(y, x, direction)[0] for y in (found, wanted)))
