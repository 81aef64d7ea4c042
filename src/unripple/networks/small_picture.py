"""MobileStyleGAN's picture as HFGI's encoders look at it, 256 px, and its gradient for the code, in less time on a CPU.

`small_picture` has the same sums as ``to_256(generator(w_plus))``, `previewed` those of the generator's first
blocks and of the `Preview` of its last two, in another order:

* Large layers are bound by memory, so they are computed in strips of rows that stay in the processor's cache.
* The weights are frozen, so nothing is kept for their gradients.
* `to_256` reads four of sixteen pixels, where four cells of the last inverse Haar step meet; only those are computed.

Throughout, features are ``float (H, W, C)``: one picture, channels last.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.mobile_stylegan import LEAK, ImageHead, MobileStyleGAN
from unripple.networks.preview import FIRST, Preview, scales

#: Floats of a strip: it lies in a cache beside what is made of it.
STRIP = 1 << 19


def small_picture(generator: MobileStyleGAN, w_plus: Tensor) -> Tensor:
    """Codes ``float (B, 18, 512)`` -> ``float (B, 3, 256, 256)`` in [-1, 1], as ``to_256(generator(w_plus))`` has it.

    Gradients reach ``w_plus`` alone.
    """
    return torch.stack([_one(generator, code) for code in w_plus.split(1)])


def previewed(generator: MobileStyleGAN, preview: Preview, w_plus: Tensor) -> Tensor:
    """Codes ``float (B, 18, 512)`` -> ``float (B, 3, 256, 256)`` in [-1, 1]: near `small_picture`, for less.

    Gradients reach ``w_plus`` alone.
    """
    return torch.stack([_one_previewed(generator, preview, code) for code in w_plus.split(1)])


def _features(generator: MobileStyleGAN, w_plus: Tensor, blocks: int) -> Tensor:
    """What the first ``blocks`` make of one code ``(1, 18, 512)``: ``(H, W, C)``."""
    x = generator.conv0(generator.constant, w_plus[:, 0])[0].permute(1, 2, 0).contiguous()
    for i in range(blocks):
        block = generator.block(i)
        x = _Upsampled.apply(x, 0.5 * block.up(w_plus[0, 2 * i + 1]))
        x = _Styled.apply(x, block.conv1.modulation(w_plus[0, 2 * i + 1]), block.conv1)
        x = _Styled.apply(x, block.conv2.modulation(w_plus[0, 2 * i + 2]), block.conv2)
    return x


def _one(generator: MobileStyleGAN, w_plus: Tensor) -> Tensor:
    head = generator.head
    x = _features(generator, w_plus, len(generator.blocks))
    rgb: Tensor = _Reduced.apply(x, head.modulation(w_plus[0, -1]), head)
    return rgb.permute(2, 0, 1)


def _one_previewed(generator: MobileStyleGAN, preview: Preview, w_plus: Tensor) -> Tensor:
    x = _features(generator, w_plus, FIRST)
    *by, last = scales(generator, w_plus)
    for layer, scale in zip(preview.layers, by, strict=True):
        x = _Styled.apply(x, scale[0], layer)
    head = preview.head
    bands = F.linear(x, head.weight[:, :, 0, 0] * last, head.bias)
    rgb: Tensor = _Upsampled.apply(bands, bands.new_full((bands.shape[2],), 0.5))
    return rgb.clamp(-1, 1).permute(2, 0, 1)


class _Separable(Protocol):
    """A convolution that `_Styled` computes: a separable ``StyledConv``, or one of a `Preview`."""

    @property
    def depthwise(self) -> nn.Conv2d | None:
        """3x3, without bias."""

    @property
    def conv(self) -> nn.Conv2d:
        """1x1."""

    @property
    def noise(self) -> Tensor:
        """``(1, 1, H, W)``."""


def _strips(height: int, floats_of_a_row: int) -> list[slice]:
    """Rows of each strip, an even number."""
    step = max(2, STRIP // floats_of_a_row // 2 * 2)
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def _near(rows: slice, height: int) -> slice:
    """The rows that a 3x3 convolution reads to make these."""
    return slice(max(rows.start - 1, 0), min(rows.stop + 1, height))


def _depthwise(near: Tensor, weight: Tensor, rows: slice, height: int) -> Tensor:
    """These rows of a convolution with ``weight (C, 1, 3, 3)``, from `_near` ones; zeros around the picture."""
    part = near[None].permute(0, 3, 1, 2)  # (1, C, R, W), strides in the order that torch takes for channels last
    missing = (int(rows.start == 0), int(rows.stop == height))
    if any(missing):
        part = F.pad(part, (0, 0, *missing))
    return F.conv2d(part, weight, padding=(0, 1), groups=len(weight)).permute(0, 2, 3, 1)[0]


class _Upsampled(torch.autograd.Function):
    """``inverse_haar(x * scale)``: ``x (H, W, 4C)`` and ``scale (4C,)`` -> ``(2H, 2W, C)``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(x, scale)
        height, width, channels = x.shape
        out = x.new_empty(height, 2, width, 2, channels // 4)
        for rows in _strips(height, x[0].numel()):
            low, down, right, both = (x[rows] * scale).chunk(4, dim=2)
            same, other = low + down, right + both
            torch.add(same, other, out=out[rows, 0, :, 0])
            torch.sub(same, other, out=out[rows, 0, :, 1])
            torch.sub(low, down, out=same)
            torch.sub(right, both, out=other)
            torch.add(same, other, out=out[rows, 1, :, 0])
            torch.sub(same, other, out=out[rows, 1, :, 1])
        return out.view(2 * height, 2 * width, channels // 4)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        x, scale = ctx.saved_tensors
        height, width, channels = x.shape
        g = grads[0].view(height, 2, width, 2, channels // 4)
        for_x, for_scale = torch.empty_like(x), torch.zeros_like(scale)
        for rows in _strips(height, x[0].numel()):
            part = for_x[rows]
            low, down, right, both = part.chunk(4, dim=2)
            even, odd = g[rows, 0] + g[rows, 1], g[rows, 0] - g[rows, 1]  # (R, W, 2, C)
            torch.add(even[:, :, 0], even[:, :, 1], out=low)
            torch.add(odd[:, :, 0], odd[:, :, 1], out=down)
            torch.sub(even[:, :, 0], even[:, :, 1], out=right)
            torch.sub(odd[:, :, 0], odd[:, :, 1], out=both)
            for_scale += (part * x[rows]).sum(dim=(0, 1))
            part *= scale
        return for_x, for_scale


class _Styled(torch.autograd.Function):
    """A separable `StyledConv` after its modulation: ``x (H, W, C)`` and ``scale (C,)`` -> ``(H, W, C')``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, layer: _Separable) -> Tensor:
        depthwise, pointwise, bias = _weights(layer)
        height, width, _ = x.shape
        noise, scaled = layer.noise[0, 0, :, :, None], depthwise * scale[:, None, None, None]
        out = x.new_empty(height, width, len(pointwise))
        for rows in _strips(height, out[0].numel()):
            part = out[rows].view(-1, len(pointwise))
            moved = _depthwise(x[_near(rows, height)], scaled, rows, height)
            torch.addmm(bias, moved.reshape(-1, len(scale)), pointwise.T, out=part)
            F.leaky_relu_(out[rows].add_(noise[rows]), LEAK)
        ctx.save_for_backward(x, scale, out)
        ctx.layer = layer
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        x, scale, out = ctx.saved_tensors
        depthwise, pointwise, _ = _weights(ctx.layer)
        (g,) = grads
        flipped = depthwise.flip(2, 3)
        for_x, for_scale = torch.empty_like(x), torch.zeros_like(scale)
        height = len(x)
        for rows in _strips(height, out[0].numel()):
            near = _near(rows, height)
            inner = torch.ops.aten.leaky_relu_backward(g[near], out[near], LEAK, True)
            inner = (inner.flatten(0, 1) @ pointwise).view(-1, *x.shape[1:])  # before the point-wise weights
            part = _depthwise(inner, flipped, rows, height)
            for_scale += (part * x[rows]).sum(dim=(0, 1))
            torch.mul(part, scale, out=for_x[rows])
        return for_x, for_scale, None


def _weights(layer: _Separable) -> tuple[Tensor, Tensor, Tensor]:
    """Depth-wise ``(C, 1, 3, 3)``, point-wise ``(C', C)``, and bias ``(C',)``."""
    assert layer.depthwise is not None and layer.conv.bias is not None
    return layer.depthwise.weight, layer.conv.weight[:, :, 0, 0], layer.conv.bias


class _Reduced(torch.autograd.Function):
    """An `ImageHead` after its modulation, and `to_256`: ``x (512, 512, C)``, ``scale (C,)`` -> ``(256, 256, 3)``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, head: ImageHead) -> Tensor:
        weight, bias = _corners(head)
        height, width, channels = x.shape
        out = x.new_empty(height // 2, width // 2, 3)
        inside = []
        cells = x.view(height // 2, 2, width // 2, 2 * channels)
        for rows in _strips(height // 2, 2 * x[0].numel()):
            wide = _pairs(weight * scale)  # (2, 2C, 6)
            met = torch.matmul(cells[rows], wide) + bias.view(2, 1, 6)  # (R, 2, W/2, 6)
            inside.append(met.abs() <= 1)
            out[rows] = met.clamp_(-1, 1).unflatten(3, (2, 3)).sum(dim=(1, 3)).mul_(0.25)
        ctx.save_for_backward(x, scale, torch.cat(inside))
        ctx.head = head
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        x, scale, inside = ctx.saved_tensors
        weight, _ = _corners(ctx.head)
        height, width, channels = x.shape
        g = (0.25 * grads[0])[:, None].repeat(1, 1, 1, 2) * inside  # (H/2, 2, W/2, 6)
        wide = _pairs(weight)
        for_x, for_scale = torch.empty_like(x), torch.zeros_like(scale)
        cells, for_cells = (t.view(height // 2, 2, width // 2, 2 * channels) for t in (x, for_x))
        for rows in _strips(height // 2, 2 * x[0].numel()):
            part = torch.matmul(g[rows], wide.mT)
            for_scale += (part * cells[rows]).sum(dim=(0, 1, 2)).view(2, channels).sum(dim=0)
            torch.mul(part, scale.repeat(2), out=for_cells[rows])
        return for_x, for_scale, None


def _corners(head: ImageHead) -> tuple[Tensor, Tensor]:
    """What of the last inverse Haar step `to_256` reads: weight ``(2, 2, 3, C)`` and bias ``(2, 2, 3)`` of cells.

    By the cells' row and column in fours: of each cell the corner that is nearest to the middle of the four.
    """
    sign = torch.tensor([-1.0, 1.0]).to(head.conv.weight)  # an even cell gives its second row, an odd one its first
    down, right = sign[:, None].expand(2, 2), sign[None].expand(2, 2)
    signs = 0.5 * torch.stack((torch.ones_like(down), down, right, down * right), dim=2)  # (2, 2, 4)
    assert head.conv.bias is not None
    weight = torch.einsum("pqb,bkc->pqkc", signs, head.conv.weight[:, :, 0, 0].view(4, 3, -1))
    return weight, torch.einsum("pqb,bk->pqk", signs, head.conv.bias.view(4, 3))


def _pairs(weight: Tensor) -> Tensor:
    """``(2, 2, 3, C)`` -> ``(2, 2C, 6)``: two neighbours of a row in one matrix, with zeros where they do not meet."""
    rows, _, _, channels = weight.shape
    wide = weight.new_zeros(rows, 2, channels, 2, 3)
    for column in range(2):
        wide[:, column, :, column] = weight[:, column].mT
    return wide.reshape(rows, 2 * channels, 6)
