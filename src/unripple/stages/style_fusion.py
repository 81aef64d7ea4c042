"""Style fusion: at every layer the edit's styles where the person is, and the inversion's where the background is.

After Kafri et al., "StyleFusion: A Generative Model for Disentangling Spatial Segments", 2021, which joins codes of
StyleSpace by semantic region and learns which channels belong to which. Here the region is known: the parser's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.models import ModelSet
from unripple.networks.fusion import Fused
from unripple.networks.regional import regional
from unripple.stages.edit import Precision, fused_picture, moved_codes
from unripple.stages.layered import SIDE


@torch.no_grad()
def style_fusion(
    w_plus: Tensor,
    distortion: Tensor,
    aligned: Tensor,
    old: Tensor,
    matte: Tensor,
    direction: Tensor,
    degree: float,
    models: ModelSet,
    precision: Precision = "float32",
) -> Tensor:
    """The edit whose background has the inversion's styles and details.

    What the person uncovers has the edit's: the inversion's are of the person who was there.

    Args:
        w_plus: the portraits' codes, ``float32 (B, 18, 512)``.
        distortion: photo minus low-rate inversion, ``float32 (B, 3, 256, 256)``.
        aligned: `stages.layered.person_distortion` of each, of the same shape.
        old: the photo's person with the margin that is not trusted, ``bool (B, 1, H, W)``.
        matte: of the edited person, ``float32 (B, 1, H, W)`` in [0, 1].
        direction: ``(512,)`` or ``(18, 512)``.
        degree: how far.
        models: the networks.
        precision: of the generator, see `stages.edit.edit`.

    Returns:
        rgb ``float32 (B, 3, 1024, 1024)``, about [-1, 1].
    """
    if distortion.shape != aligned.shape or aligned.shape[1:] != (3, SIDE, SIDE):
        raise ValueError(
            f"distortion and aligned: expected (B, 3, {SIDE}, {SIDE}), found {tuple(distortion.shape)} and"
            f" {tuple(aligned.shape)}"
        )
    generator, codes = moved_codes(w_plus, direction, degree, models, precision)
    _, still = moved_codes(w_plus, direction, 0, models, precision)
    both = torch.cat((codes, still))
    edited = torch.maximum(matte, old.to(matte)).to(models.device)
    person, background = (models.consult(one.to(models.device)) for one in (aligned, distortion))
    cells = F.interpolate(edited, person.scale.shape[-1], mode="area")
    fused = Fused(*(torch.lerp(behind, front, cells) for front, behind in zip(person, background, strict=True)))
    assert isinstance(generator, nn.Module)
    with regional(generator, edited):
        state = generator.to_fusion(both)
        return fused_picture(generator, state, both, Fused(*(torch.cat((part, part)) for part in fused))).chunk(2)[0]
