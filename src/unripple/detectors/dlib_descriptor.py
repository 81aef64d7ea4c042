"""dlib's identity descriptor: its ResNet with 29 convolutions, read from dlib's own file and run by torch.

King, "High Quality Face Recognition with Deep Metric Learning", 2017; a residual network after He et al., CVPR 2016,
with fewer layers and half the filters. dlib's packages come without a BLAS and need ten times as long for the same
numbers.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.files.pictures import Rgb

_AGAIN: Final = "install the locked face-recognition-models again"

#: Length of a descriptor.
SIZE: Final = 128

_MEAN: Final = (122.782, 117.001, 104.298)
_SCALE: Final = 256.0
_STEM: Final = 32
# Width of each residual block, from input to output, and whether it halves the picture.
_BLOCKS: Final = (
    *((32, False),) * 3,
    *((64, True), *((64, False),) * 3),
    *((128, True), *((128, False),) * 2),
    *((256, True), *((256, False),) * 2),
    (256, True),
)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    """dlib pads what has no stride, so that its size stays, and nothing else."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2 if stride == 1 else 0)


class Block(nn.Module):
    """Two convolutions beside the input; ``(B, C, H, W)`` to ``(B, C', H', W')``."""

    def __init__(self, inputs: int, outputs: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.first = _convolution(inputs, outputs, 3, 2 if halves else 1)
        self.second = _convolution(outputs, outputs, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        found = self.second(F.relu(self.first(x)))
        x = F.avg_pool2d(x, 2) if self.halves else x
        # Where the two differ in channels or size, what is missing counts as zero.
        shape = [max(sides) for sides in zip(x.shape[1:], found.shape[1:], strict=True)]
        return F.relu(_filled(x, shape) + _filled(found, shape))


def _filled(x: Tensor, shape: list[int]) -> Tensor:
    channels, height, width = (want - have for want, have in zip(shape, x.shape[1:], strict=True))
    return F.pad(x, (0, width, 0, height, 0, channels))


class DlibResNet(nn.Module):
    """``chip: uint8 or float (B, 3, 150, 150) in [0, 255]``, an aligned face -> ``float32 (B, 128)``."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.stem = _convolution(3, _STEM, 7, 2)
        widths = [_STEM, *(outputs for outputs, _ in _BLOCKS)]
        self.blocks = nn.Sequential(
            *(Block(inputs, *block) for inputs, block in zip(widths[:-1], _BLOCKS, strict=True))
        )
        self.head = nn.Linear(widths[-1], SIZE, bias=False)

    def forward(self, chip: Tensor) -> Tensor:
        x = F.relu(self.stem((chip - self.mean) / _SCALE))
        return self.head(self.blocks(F.max_pool2d(x, 3, stride=2)).mean(dim=(2, 3)))

    @torch.inference_mode()
    def describe(self, chip: Rgb) -> NDArray[np.float64]:
        """The descriptor of one aligned face, ``uint8 (150, 150, 3)``: ``float64 (128,)``."""
        rgb = torch.from_numpy(np.ascontiguousarray(chip)).permute(2, 0, 1)[None]
        return np.asarray(self(rgb)[0], dtype=np.float64)


def load(file: Path) -> DlibResNet:
    """The network with the weights of ``dlib_face_recognition_resnet_model_v1.dat``, frozen, in eval mode.

    Raises ``ValueError`` where the file is another one or damaged.
    """
    layers = deque(_layers(file))
    network = DlibResNet()
    with torch.no_grad():
        for convolution in (part for part in network.modules() if isinstance(part, nn.Conv2d)):
            weights, biases = _split(_next(layers, "con", file), convolution)
            # An affine layer, what training left of batch norm, follows each convolution: folded into it.
            scale, shift = np.split(_next(layers, "affine", file), 2)
            convolution.weight.copy_(torch.from_numpy(weights * scale[:, None, None, None]))
            assert convolution.bias is not None
            convolution.bias.copy_(torch.from_numpy(biases * scale + shift))
        head = _next(layers, "fc", file)
        network.head.weight.copy_(torch.from_numpy(head.reshape(network.head.in_features, SIZE).T.copy()))
    if layers:
        raise ValueError(f"{file}: expected a network with {len(_BLOCKS)} residual blocks, found more layers; {_AGAIN}")
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _next(layers: deque[tuple[str, NDArray[np.float32]]], kind: str, file: Path) -> NDArray[np.float32]:
    found, parameters = layers.popleft() if layers else ("nothing", np.empty(0, np.float32))
    if found != kind:
        raise ValueError(
            f"{file}: expected a layer {kind!r} of dlib's face recognition network, found {found}; {_AGAIN}"
        )
    return parameters


def _split(parameters: NDArray[np.float32], convolution: nn.Conv2d) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights ``(C', C, k, k)`` and biases ``(C',)``, which dlib stores in one array."""
    count = convolution.out_channels
    return parameters[:-count].reshape(convolution.weight.shape), parameters[-count:]


def _layers(file: Path) -> list[tuple[str, NDArray[np.float32]]]:
    """Kind and parameters of the layers that have any, from input to output.

    dlib writes a layer as its name, then its parameters as a tensor: version 2, four sizes, ``float32`` values, all
    little-endian. An integer is a byte with its length, then so many bytes.
    """
    stored, found = file.read_bytes(), []
    for name in re.finditer(rb"\x01.(con_4|affine_|fc_2)", stored, re.DOTALL):
        kind, at = name[1].decode().split("_")[0], name.end()
        if kind == "fc":  # The numbers of its outputs and inputs come first.
            _, at = _integers(stored, at, 2)
        (version, *sizes), at = _integers(stored, at, 5)
        count = int(np.prod(sizes))
        if version != 2 or len(stored) < at + 4 * count:
            raise ValueError(
                f"{file}: expected {count} numbers from byte {at} on, in dlib's format 2, found format {version} and "
                f"{(len(stored) - at) // 4} numbers; {_AGAIN}"
            )
        found.append((kind, np.frombuffer(stored, "<f4", count, at).astype(np.float32)))
    return found


def _integers(stored: bytes, at: int, count: int) -> tuple[list[int], int]:
    values = []
    for _ in range(count):
        length = stored[at] if at < len(stored) else 0
        values.append(int.from_bytes(stored[at + 1 : at + 1 + length], "little"))
        at += 1 + length
    return values, at
