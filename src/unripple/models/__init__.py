"""Sets of models behind one interface: what the stages ask for, whichever networks stand behind it.

A set is a module of this package with a function ``load(folder, device=None)``. Stages and scripts know only what is
here, so that the fingerprint of a stage's code holds the networks of the set that it runs, and no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from unripple.settings.parsing import SCALES

if TYPE_CHECKING:  # what only asks for a name in this package does without torch
    import torch
    from torch import Tensor, nn

    from unripple.networks.descent import Descent
    from unripple.networks.fusion import Fused, FusionState
    from unripple.networks.st_alexnet import StLpips
    from unripple.settings.inverters import Inverter


class Generator(Protocol):
    """``w_plus (B, 18, 512)`` -> ``rgb (B, 3, 1024, 1024)``, cut where HFGI fuses."""

    def __call__(self, w_plus: Tensor) -> Tensor:
        """The picture of a code, without fusion."""

    def to_fusion(self, w_plus: Tensor) -> FusionState:
        """What several fusions of one code share."""

    def from_fusion(self, state: FusionState, w_plus: Tensor, fused: Fused | None = None) -> Tensor:
        """The rest, with or without what is fused."""


class ModelSet(Protocol):
    """The networks of a study, each loaded when it is first used. Pictures are rgb in [-1, 1]."""

    @property
    def device(self) -> torch.device:
        """Where the networks run."""

    @property
    def mapping(self) -> nn.Module:
        """``z (B, 512)`` -> ``w (B, 512)``."""

    @property
    def generator(self) -> Generator:
        """In float32."""

    @property
    def fast_generator(self) -> Generator:
        """In bfloat16."""

    def small_picture(self, w_plus: Tensor) -> Tensor:
        """What `to_256` makes of the generator's picture, ``(B, 3, 256, 256)``; gradients reach ``w_plus``."""

    def preview(self, w_plus: Tensor) -> Tensor:
        """Near `small_picture`, for less: what codes are refined by; lite has it."""

    @property
    def perceptual(self) -> StLpips:
        """The perceptual distance."""

    def seen(self, portrait: Tensor) -> Tensor:
        """A portrait ``(B, 3, H, W)`` as the encoder looks at it, ``(B, 3, 256, 256)``."""

    def encoder(self, rgb: Tensor, network: str = "e4e") -> Tensor:
        """``rgb (B, 3, 256, 256)`` -> ``w_plus (B, 18, 512)``; by another encoder, ``psp``, where the set has it."""

    @property
    def descent(self) -> Descent:
        """Along which axes of W codes are refined; lite has it."""

    @property
    def inverter(self) -> tuple[Inverter, int]:
        """The set's own way from a photo to a code, and its steps."""

    def consultation(self, distortion: Tensor, edited: Tensor) -> Fused:
        """Align a distortion map to an edit, both ``(B, 3, 256, 256)``, and encode what is to be fused."""

    def consult(self, aligned: Tensor) -> Fused:
        """Encode what is to be fused of a distortion map ``(B, 3, 256, 256)`` that is aligned already."""

    def ada_pose(self, distortion: Tensor, edited: Tensor) -> Tensor:
        """The distortion map aligned to an edit by the ADA that learned true turns, all ``(B, 3, 256, 256)``."""

    def direction(self, attribute: str) -> Tensor:
        """The unit vector ``(512,)`` of an attribute."""

    def parser(self, rgb: Tensor, scales: tuple[float, ...] = SCALES) -> Tensor:
        """``rgb (B, 3, H, W)`` -> soft person matte ``(B, 1, H, W)`` in [0, 1]; ``scales`` are Graphonomy's."""

    def inpainter(self, rgb: Tensor, mask: Tensor) -> Tensor:
        """``rgb (B, 3, H, W)`` and ``mask bool (B, 1, H, W)`` -> rgb, painted where the mask is True."""

    def ripples(self, photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor) -> Tensor:
        """Four ``rgb (B, 3, H, W)`` -> how surely an after-image shows, ``(B, 1, H, W)`` in [0, 1]; lite has it."""
