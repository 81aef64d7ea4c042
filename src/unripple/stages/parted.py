"""What the fusions that join person and background inside the generator are given."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unripple.stages.layered import SIDE


@dataclass(frozen=True)
class Parted:
    """Portraits of which person and background have details of their own.

    * ``w_plus``: the portraits' codes, ``float32 (B, 18, 512)``;
    * ``distortion``: photo minus low-rate inversion, ``float32 (B, 3, 256, 256)``;
    * ``aligned``: `stages.layered.person_distortion` of each, of the same shape;
    * ``old``: the photo's person with the margin that is not trusted, ``bool (B, 1, H, W)``;
    * ``matte``: of the edited person, ``float32 (B, 1, H, W)`` in [0, 1].

    Raises ``ValueError`` for maps of other shapes.
    """

    w_plus: Tensor
    distortion: Tensor
    aligned: Tensor
    old: Tensor
    matte: Tensor

    def __post_init__(self) -> None:
        if self.distortion.shape != self.aligned.shape or self.aligned.shape[1:] != (3, SIDE, SIDE):
            raise ValueError(
                f"distortion and aligned: expected (B, 3, {SIDE}, {SIDE}), found {tuple(self.distortion.shape)} and"
                f" {tuple(self.aligned.shape)}"
            )
