"""HFGI's edit with its distortion map aligned in another way: the rows ``ada_pose`` and ``motion_fusion``.

The whole map is fused, person and background, as HFGI does it (Wang et al., CVPR 2022, section 3.3); between these two
rows and ``hfgi`` nothing differs but who aligns it. HFGI's ADA learned to undo a random perspective. Here it is either
the same network, trained on true turns of the generator's faces, or the motion that was measured between the low-rate
inversion and the low-rate edit (`stages.motion`).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.stages.edit import Precision, fused_picture, moved_codes
from unripple.stages.layered import SIDE
from unripple.stages.warp import resized, warped


def moved_distortions(distortion: Tensor, backward: Tensor) -> Tensor:
    """Whole distortion maps, each moved by its motion, on the CPU.

    Args:
        distortion: photo minus low-rate inversion, ``float32 (B, 3, 256, 256)`` in [-2, 2].
        backward: pixel of the edit -> pixel of the portrait, ``float32 (B, H, H, 2)`` in pixels of its own size.

    Returns:
        ``float32 (B, 3, 256, 256)``; beyond the border a map goes on as its outermost pixels.
    """
    if backward.shape != (len(distortion), *backward.shape[1:2] * 2, 2):
        raise ValueError(f"backward: expected ({len(distortion)}, H, H, 2), found {tuple(backward.shape)}")
    maps = distortion.cpu().permute(0, 2, 3, 1).contiguous().numpy()
    moves = (resized(one, maps.shape[1]) for one in backward.cpu().numpy())
    moved = np.stack([warped(*pair) for pair in zip(maps, moves, strict=True)])
    return torch.from_numpy(moved).permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def aligned_edit(
    w_plus: Tensor,
    distortion: Tensor,
    direction: Tensor,
    degree: float,
    models: ModelSet,
    precision: Precision = "float32",
    backward: Tensor | None = None,
) -> Tensor:
    """The edit with the whole distortion map fused, aligned by a motion or, without one, by ADA of true turns.

    Args:
        w_plus: the portraits' codes, ``float32 (B, 18, 512)``.
        distortion: photo minus low-rate inversion, ``float32 (B, 3, 256, 256)`` in [-2, 2].
        direction: ``(512,)``, added to every row, or ``(18, 512)``.
        degree: how far.
        models: the networks.
        precision: of the generator, see `stages.edit.edit`.
        backward: the measured motion of each, see `moved_distortions`; None for `ModelSet.ada_pose`.

    Returns:
        rgb ``float32 (B, 3, 1024, 1024)``, about [-1, 1].

    Raises:
        ValueError: maps or motions of another shape.
        MissingModel, WeightsError: the file of the network ``ada_pose`` is not there.
    """
    if distortion.shape[1:] != (3, SIDE, SIDE):
        raise ValueError(f"distortion: expected (B, 3, {SIDE}, {SIDE}), found {tuple(distortion.shape)}")
    generator, codes = moved_codes(w_plus, direction, degree, models, precision)
    state = generator.to_fusion(codes)
    if backward is not None:
        aligned = moved_distortions(distortion, backward).to(models.device)
    else:
        low_rate = to_256(generator.from_fusion(state, codes).float())
        aligned = models.ada_pose(distortion.to(models.device), low_rate)
    return fused_picture(generator, state, codes, models.consult(aligned))
