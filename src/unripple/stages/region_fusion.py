"""Region fusion: person and background meet in the features of HFGI's fusion layer, not in the picture.

HFGI's paper leaves the idea open (Wang et al., CVPR 2022, section 5.2). The edit's features where the edited person is,
the inversion's, with the background's own distortion, where the background is; what the person uncovers is interpolated
from around. One pass of the generator makes a picture of that, and nothing is pasted.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unripple.models import ModelSet
from unripple.networks.fusion import FusionState, fuse
from unripple.stages.edit import Precision, moved_codes
from unripple.stages.parted import Parted
from unripple.stages.warp import spread

#: Side of the features that are fused.
CELLS: Final = 64
# OpenCV resizes this many channels at once.
_CHANNELS: Final = 128


@torch.no_grad()
def region_fusion(
    parted: Parted,
    direction: Tensor,
    degree: float,
    models: ModelSet,
    precision: Precision = "float32",
) -> Tensor:
    """The edit whose background is the inversion's, joined in the fusion layer.

    Args:
        parted: the portraits.
        direction: ``(512,)`` or ``(18, 512)``.
        degree: how far.
        models: the networks.
        precision: of the generator, see `stages.edit.edit`.

    Returns:
        rgb ``float32 (B, 3, 1024, 1024)``, about [-1, 1].
    """
    generator, codes = moved_codes(parted.w_plus, direction, degree, models, precision)
    _, still = moved_codes(parted.w_plus, direction, 0, models, precision)
    person, before = generator.to_fusion(codes), generator.to_fusion(still)
    hole = F.adaptive_max_pool2d(parted.old.float(), CELLS) > 0
    front = F.adaptive_avg_pool2d(parted.matte, CELLS).to(person.features)

    def joined(edited: Tensor, inverted: Tensor) -> Tensor:
        """Features ``(B, C, R, R)``."""
        around = _uncovered(inverted.float(), hole).to(inverted)
        return torch.lerp(around, edited, F.adaptive_avg_pool2d(front, edited.shape[-1]))

    features = joined(
        fuse(person.features, models.consult(parted.aligned.to(models.device))).to(codes.dtype),
        fuse(before.features, models.consult(parted.distortion.to(models.device))).to(codes.dtype),
    )
    skip = None if person.skip is None or before.skip is None else joined(person.skip, before.skip)
    return generator.from_fusion(FusionState(features, skip), codes).float()


def _uncovered(features: Tensor, hole: Tensor) -> Tensor:
    """Features ``float32 (B, C, R, R)`` with those in the ``hole (B, 1, 64, 64)`` interpolated from around it."""
    known = (F.adaptive_max_pool2d(hole.float(), features.shape[-1]) == 0).float()[:, 0].cpu().numpy()
    found = []
    for one, weight in zip(features.permute(0, 2, 3, 1).cpu().numpy(), known, strict=True):
        parts = np.split(one, range(_CHANNELS, one.shape[2], _CHANNELS), axis=2)
        found.append(np.concatenate([spread(np.ascontiguousarray(part), weight) for part in parts], axis=2))
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).to(features)
