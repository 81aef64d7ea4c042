"""Pseudo-random weights and inputs that depend on names alone: how fixtures are recorded without any trained weight.

A reference implementation and ours call ``fill`` on state dicts with the same keys and get bit-identical float32
weights, because every value depends only on ``prefix + key`` and on the tensor's shape.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: The prefix that each network's keys have inside the published checkpoint.
PREFIX = {
    "hfgi": "",
    "hfgi_encoder": "encoder.",
    "hfgi_generator": "decoder.",
    "hfgi_residue": "residue.",
    "hfgi_grid_align": "grid_align.",
    "psp_encoder": "encoder.",
    "ir_se50": "",
    "graphonomy": "",
    "lama": "generator.",
}


@dataclass(frozen=True)
class Normal:
    """``mean + std * N(0, 1)``."""

    mean: float
    std: float


@dataclass(frozen=True)
class Fan:
    """``gain * N(0, 1) / sqrt(fan)``; the fan is all dimensions but the first, or the first one alone.

    ``centred`` subtracts the mean over all dimensions but the first, so that the positive mean of ReLU features
    does not swamp their variation.
    """

    gain: float
    centred: bool = False
    over: Literal["rest", "first"] = "rest"


@dataclass(frozen=True)
class Uniform:
    """U[0.5, 1.5)."""


@dataclass(frozen=True)
class Keep:
    """The tensor keeps the value that the code gives it."""


Rule = Normal | Fan | Uniform | Keep

#: First match wins: (pattern searched in the full key, number of dimensions or None, rule).
RULES: tuple[tuple[str, int | None, Rule], ...] = (
    (r"\.kernel$", None, Keep()),
    (r"num_batches_tracked$", None, Keep()),
    (r"running_var$", 1, Uniform()),
    (r"running_mean$", 1, Normal(0.0, 0.1)),
    # StyleGAN2's layers scale their weights at run time; the mapping network has a multiplier of 0.01.
    (r"(^|\.)style\.\d+\.weight$", 2, Normal(0.0, 100.0)),
    (r"(^|\.)style\.\d+\.bias$", 1, Normal(0.0, 10.0)),
    (r"\.modulation\.weight$", 2, Normal(0.0, 0.5)),
    (r"\.modulation\.bias$", 1, Normal(1.0, 0.1)),
    (r"\.noise\.weight$", 1, Normal(0.1, 0.05)),
    (r"(^|\.)noises\.noise_\d+$", 4, Normal(0.0, 1.0)),
    (r"(^|\.)input\.input$", 4, Normal(0.0, 1.0)),
    (r"to_rgb(1|s\.\d+)\.conv\.weight$", 5, Normal(0.0, 0.3)),
    (r"\.conv\.weight$", 5, Normal(0.0, 1.0)),
    (r"styles\.\d+\.linear\.weight$", 2, Normal(0.0, 1.0)),
    (r"condition_(scale|shift)3\.0\.weight$", 4, Normal(0.0, 1.0)),
    (r"condition_(scale|shift)3\.2\.weight$", 4, Normal(0.0, 0.3)),
    # Slopes of the PReLUs in improved residual blocks and their stems.
    (r"(input_layer|res_layer|conv_layer1)\.2\.weight$", 1, Normal(0.25, 0.05)),
    (r"^semantic\.bias$", 1, Normal(0.0, -1.0)),
    # Scale of every batch norm, and all other biases.
    (r"weight$", 1, Normal(1.0, 0.1)),
    (r"bias$", None, Normal(0.0, 0.1)),
    # Graphonomy: its nodes are sums over all pixels, its matrices stand to the right.
    (r"featuremap_2_graph\.weight$", 2, Fan(0.0006, over="first")),
    (r"(pre_fea|node_fea_for_\w+)$", 2, Fan(1.0, over="first")),
    (r"graph", 2, Fan(1.4, over="first")),
    (r"depthwise\.weight$", 4, Fan(1.4)),
    (r"^xception_features\.block\d+\..*pointwise\.weight$", 4, Fan(0.7, centred=True)),
    (r"^concat_projection_conv1\.weight$", 4, Fan(0.6, centred=True)),
    (
        r"^(xception_features|aspp\d|global_avg_pool|feature_projection"
        r"|decoder\.\d\.atrous_conv|target_skip_conv|semantic)",
        4,
        Fan(1.4, centred=True),
    ),
    # LaMa: residual blocks, last convolution, everything else.
    (r"^generator\.model\.\d+\.conv[12]\.ffc\.", 4, Fan(0.6, centred=True)),
    (r"^generator\.model\.34\.weight$", 4, Fan(0.8, centred=True)),
    (r"^generator\.", 4, Fan(1.5, centred=True)),
    # ADA: its output stays in the range of a distortion map.
    (r"^grid_align\.", 4, Fan(0.75)),
    (r"", None, Fan(1.0)),
)


def _generator(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))


def _rule(full_key: str, dimensions: int) -> Rule:
    return next(rule for pattern, ndim, rule in RULES if ndim in (None, dimensions) and re.search(pattern, full_key))


def values(full_key: str, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """``float32`` array for one tensor, or None where the tensor keeps its value."""
    rule = _rule(full_key, len(shape))
    random = _generator(full_key)
    match rule:
        case Keep():
            return None
        case Uniform():
            return (0.5 + random.random(shape)).astype(np.float32)
        case Normal(mean, std):
            value = random.standard_normal(shape)
            value *= std
            value += mean
        case Fan(gain, centred, over):
            value = random.standard_normal(shape)
            if centred:
                value -= value.mean(axis=tuple(range(1, len(shape))), keepdims=True)
            value *= gain / np.sqrt(float(np.prod(shape[1:]) if over == "rest" else shape[0]))
    return value.astype(np.float32)


@torch.no_grad()
def fill(state_dict: Mapping[str, Tensor], prefix: str = "") -> None:
    """Give every floating tensor of ``state_dict`` its values, in place; the module it came from has them too."""
    for key, tensor in state_dict.items():
        if tensor.is_floating_point():
            value = values(prefix + key, tuple(tensor.shape))
            if value is not None:
                tensor.copy_(torch.from_numpy(value))


def fill_net(name: str, state_dict: Mapping[str, Tensor]) -> None:
    """``fill`` with the prefix that network ``name`` has in ``PREFIX``."""
    fill(state_dict, PREFIX[name])


def make_input(name: str, shape: tuple[int, ...], mean: float = 0.0, std: float = 1.0) -> NDArray[np.float32]:
    """Gaussian ``float32`` of any shape; ``name`` is the seed."""
    return (mean + std * _generator("input:" + name).standard_normal(shape)).astype(np.float32)


def make_image(name: str, height: int, width: int) -> NDArray[np.uint8]:
    """``uint8 RGB (H, W, 3)``: blocks of 32, 8 and 1 px, mixed in integers, so exact on every platform."""
    random = _generator("image:" + name)
    mixed = np.zeros((height, width, 3), np.int64)
    for block, weight in ((32, 4), (8, 3), (1, 1)):
        grid = random.integers(0, 256, (-(-height // block), -(-width // block), 3))
        grid = np.repeat(np.repeat(grid, block, 0), block, 1)[:height, :width]
        mixed += weight * grid
    return (mixed // 8).astype(np.uint8)


def make_mask(name: str, height: int, width: int) -> NDArray[np.uint8]:
    """``uint8 (H, W)`` of 0 and 255: three filled rectangles."""
    random = _generator("mask:" + name)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(3):
        h, w = int(random.integers(height // 8, height // 3)), int(random.integers(width // 8, width // 3))
        y, x = int(random.integers(0, height - h)), int(random.integers(0, width - w))
        mask[y : y + h, x : x + w] = 255
    return mask


def image_to_unit(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``uint8 (H, W, 3)`` -> ``float32 (1, 3, H, W)`` in [-1, 1]: (x / 255 - 0.5) / 0.5, rounded step by step."""
    x = np.ascontiguousarray(image.transpose(2, 0, 1)[None]).astype(np.float32) / np.float32(255)
    return (x - np.float32(0.5)) / np.float32(0.5)
