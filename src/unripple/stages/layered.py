"""Layered consultation: of what the code lost, only the person's part is consulted, and where the person now is.

HFGI hands the whole distortion map to its fusion; the photo's background in it, and the person's old outline, come back
as ripples. Here the person's distortion is moved by a measured motion (`stages.motion`) instead of ADA, and no
background detail enters at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unripple.files.pictures import Matte, reduced_matte
from unripple.files.tensors import to_arrays
from unripple.models import ModelSet
from unripple.stages.detail import CONSULTED
from unripple.stages.edit import Precision, fused_picture, moved_codes
from unripple.stages.masks import distance_to
from unripple.stages.warp import Motion, resized, spread, warped

#: Side of a distortion map.
SIDE: Final = 256
# Width of the soft edge within the person, in pixels at 256: along their outline the map mixes person and background.
_EDGE: Final = 4.0


def person_distortion(distortion: NDArray[np.float32], photo_matte: Matte, backward: Motion) -> NDArray[np.float32]:
    """The share `CONSULTED` of the person's distortion, moved, with its nearest colours going on everywhere else.

    So the map has no edge along the outline, which the fusion would paint. It is not weighed by how sure the motion is,
    either: what is fused has a resolution of 64, and holes in the map show more than a few pixels of error.

    Args:
        distortion: photo minus low-rate inversion, ``float32 (3, 256, 256)`` in [-2, 2].
        photo_matte: person of the photo, ``float32 (H, H)`` in [0, 1].
        backward: pixel of the edit -> pixel of the portrait, ``float32 (H, H, 2)``.

    Returns:
        ``float32 (3, 256, 256)``.
    """
    moves = resized(backward, SIDE)
    person = np.clip(distance_to(reduced_matte(photo_matte, SIDE) <= 0.5) / np.float32(_EDGE), 0, 1)
    moved = warped(np.ascontiguousarray(distortion.transpose(1, 2, 0)), moves)
    known = np.float32(CONSULTED) * spread(moved, warped(person, moves, smooth=True))
    return np.ascontiguousarray(known.transpose(2, 0, 1))


def person_distortions(distortion: Tensor, photo_mattes: Tensor, backward: Tensor) -> Tensor:
    """`person_distortion` of each of a batch, on the CPU.

    ``(B, 3, 256, 256)``, mattes ``(B, 1, H, H)`` and motions ``(B, H, H, 2)`` -> ``(B, 3, 256, 256)``.
    """
    batch = zip(distortion.cpu().numpy(), to_arrays(photo_mattes), backward.cpu().numpy(), strict=True)
    return torch.from_numpy(np.stack([person_distortion(*one) for one in batch]))


@torch.no_grad()
def layered_edit(
    w_plus: Tensor,
    aligned: Tensor,
    direction: Tensor,
    degree: float,
    models: ModelSet,
    precision: Precision = "float32",
) -> Tensor:
    """The edit with the details of ``aligned`` fused; its background is the generator's own.

    Args:
        w_plus: the portraits' codes, ``float32 (B, 18, 512)``.
        aligned: `person_distortion` of each, ``float32 (B, 3, 256, 256)``.
        direction: ``(512,)``, added to every row, or ``(18, 512)``.
        degree: how far.
        models: the networks.
        precision: of the generator, see `stages.edit.edit`.

    Returns:
        rgb ``float32 (B, 3, 1024, 1024)``, about [-1, 1].
    """
    if aligned.shape[1:] != (3, SIDE, SIDE):
        raise ValueError(f"aligned: expected (B, 3, {SIDE}, {SIDE}), found {tuple(aligned.shape)}")
    generator, codes = moved_codes(w_plus, direction, degree, models, precision)
    return fused_picture(generator, generator.to_fusion(codes), codes, models.consult(aligned.to(models.device)))
