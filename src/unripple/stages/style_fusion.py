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
from unripple.stages.parted import Parted


@torch.no_grad()
def style_fusion(
    parted: Parted,
    direction: Tensor,
    degree: float,
    models: ModelSet,
    precision: Precision = "float32",
) -> Tensor:
    """The edit whose background has the inversion's styles and details.

    What the person uncovers has the edit's: the inversion's are of the person who was there.

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
    both = torch.cat((codes, still))
    edited = torch.maximum(parted.matte, parted.old.to(parted.matte)).to(models.device)
    person, background = (models.consult(one.to(models.device)) for one in (parted.aligned, parted.distortion))
    cells = F.interpolate(edited, person.scale.shape[-1], mode="area")
    fused = Fused(*(torch.lerp(behind, front, cells) for front, behind in zip(person, background, strict=True)))
    assert isinstance(generator, nn.Module)
    with regional(generator, edited):
        state = generator.to_fusion(both)
        return fused_picture(generator, state, both, Fused(*(torch.cat((part, part)) for part in fused))).chunk(2)[0]
