"""How Graphonomy is run on a picture: six scales, each also mirrored, logits summed (its ``inference.py``)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from unripple.networks.graphonomy import Graphonomy, resize
from unripple.networks.graphonomy_graphs import CIHP_LABELS, MIRRORED_LABELS

Picture = NDArray[np.uint8]


def scaled_input(picture: Picture, scale: float) -> Tensor:
    """What the network sees of ``picture: uint8 RGB (H, W, 3)`` at a scale: ``bgr float (1, 3, h, w) in [-1, 1]``.

    Sizes are rounded down. Shrinking is antialiased (Pillow's bilinear), as the published numbers expect.
    """
    h, w = picture.shape[:2]
    size = int(w * scale), int(h * scale)
    if min(size) < 1:
        raise ValueError(f"Graphonomy: expected a picture of at least 2 x 2, found {h} x {w}")
    resized = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR), np.float32)
    bgr = (resized * 2 / 255 - 1)[..., ::-1].transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(bgr)[None])


def _swap_sides(logits: Tensor) -> Tensor:
    order = list(range(len(CIHP_LABELS)))
    for left, right in MIRRORED_LABELS:
        order[left], order[right] = right, left
    return logits[:, order]


def mirror_averaged(net: Graphonomy, bgr: Tensor) -> Tensor:
    """Mean of the logits of a picture and of its mirror image, sides swapped back: ``float32 (B, 20, H, W)``."""
    # One after the other: as one batch they would take twice the memory for no gain on a CPU. And before they are made
    # larger, which is linear and sees no sides: a sixteenth of the numbers, and one enlargement instead of two.
    logits = net.coarse(bgr).float()
    mirrored = _swap_sides(net.coarse(bgr.flip(-1)).float()).flip(-1)
    return resize(logits.add_(mirrored).div_(2), bgr)


@torch.inference_mode()
def parse(net: Graphonomy, picture: Picture, scales: tuple[float, ...]) -> Tensor:
    """Graphonomy's inference; the whole of it has six scales.

    Args:
        net: in eval mode, on any device, float32 or bfloat16.
        picture: ``uint8 RGB (H, W, 3)``.
        scales: of the picture, in the order in which they are summed.

    Returns:
        Sum of the logits over all scales, ``float32 (1, 20, H, W)`` on the network's device. Its arg max over
        dim 1 is the label of each pixel; 0 is the background.
    """
    weight = next(net.parameters())
    total: Tensor | None = None
    for scale in scales:
        logits = mirror_averaged(net, scaled_input(picture, scale).to(weight.device, weight.dtype))
        logits = F.interpolate(logits, size=picture.shape[:2], mode="bilinear", align_corners=True)
        total = logits if total is None else total.add_(logits)
    if total is None:
        raise ValueError("Graphonomy: expected at least one scale, found none")
    return total


def person(logits: Tensor) -> Tensor:
    """Where any label but the background wins: ``float (B, 20, H, W) -> bool (B, 1, H, W)``."""
    return logits.argmax(dim=1, keepdim=True) != 0


def person_matte(logits: Tensor, scales: int) -> Tensor:
    """How sure it is that a pixel is of a person: logits summed over ``scales`` -> ``float (B, 1, H, W)`` in [0, 1].

    The logistic function of the best label of a person minus the background, on the mean over the scales: what a
    softmax between these two would give. It passes one half exactly where ``person`` changes.
    """
    lead = logits[:, 1:].amax(dim=1, keepdim=True) - logits[:, :1]
    return torch.sigmoid(lead / scales)
