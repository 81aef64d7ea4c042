"""The embedded set: networks that run on a CPU, with weights that ship with the project."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models.devices import chosen_device
from unripple.networks.consultation import Aligner, ConsultationEncoder
from unripple.networks.descent import Descent
from unripple.networks.e4e_lite import E4eLite
from unripple.networks.fusion import Fused
from unripple.networks.lama_lite import LamaLite
from unripple.networks.mobile_stylegan import Mapping, MobileStyleGAN
from unripple.networks.parser import Parser
from unripple.networks.preview import FIRST, Preview, scales
from unripple.networks.ripple_finder import RippleFinder
from unripple.networks.small_picture import previewed, small_picture
from unripple.networks.st_alexnet import StLpips
from unripple.settings import inverters
from unripple.settings.inverters import Inverter
from unripple.settings.parsing import SCALES
from unripple.weights import lite
from unripple.weights.st_lpips import load_st_lpips


@dataclass(frozen=True)
class LiteModels:
    """A ``ModelSet``. ``folder``: where the files are; ``device``: where the networks run.

    Every network raises ``weights.lite.MissingModel`` when its file is not there.
    """

    folder: Path
    device: torch.device

    @cached_property
    def mapping(self) -> Mapping:
        """z -> w."""
        return lite.load_mapping(self.folder).to(self.device)

    @cached_property
    def generator(self) -> MobileStyleGAN:
        """w_plus -> rgb at 1024, with HFGI's fusion."""
        return lite.load_generator(self.folder).to(self.device).to(memory_format=torch.channels_last)

    @cached_property
    def fast_generator(self) -> MobileStyleGAN:
        """The generator in bfloat16, for edits that ask for it."""
        network = lite.load_generator(self.folder).to(self.device, torch.bfloat16)
        return network.to(memory_format=torch.channels_last)

    def small_picture(self, w_plus: Tensor) -> Tensor:
        """What `to_256` makes of the generator's picture; in strips on a CPU, whose caches are small."""
        if w_plus.device.type == "cpu":
            return small_picture(self.generator, w_plus)
        return to_256(self.generator(w_plus))

    def preview(self, w_plus: Tensor) -> Tensor:
        """Near `small_picture`, without the generator's last two blocks."""
        if w_plus.device.type == "cpu":
            return previewed(self.generator, self._preview, w_plus)
        x = self.generator.features(w_plus, FIRST)
        return self._preview(x, scales(self.generator, w_plus)).clamp(-1, 1)

    @cached_property
    def perceptual(self) -> StLpips:
        """The perceptual distance."""
        return load_st_lpips().to(self.device).to(memory_format=torch.channels_last)

    def seen(self, portrait: Tensor) -> Tensor:
        """Pixels in between are left out, as HFGI does with edits: so were the pictures of this encoder's training."""
        return to_256(portrait)

    def encoder(self, rgb: Tensor, network: str = "e4e") -> Tensor:
        """``rgb float (B, 3, 256, 256) in [-1, 1]`` -> ``w_plus (B, 18, 512)``; the set has one encoder."""
        if network != "e4e":
            raise ValueError(f"encoder: expected e4e, the only one of the lite set, found {network}")
        codes: Tensor = self._encoder(rgb)
        return codes

    @cached_property
    def descent(self) -> Descent:
        """Along which axes of W codes are refined."""
        return lite.load_descent(self.folder)

    @property
    def inverter(self) -> tuple[Inverter, int]:
        """The set's own way from a photo to a code, and its steps."""
        return inverters.own("lite")

    def consultation(self, distortion: Tensor, edited: Tensor) -> Fused:
        """Align a distortion map to an edit, both ``(B, 3, 256, 256)``, and encode what is to be fused."""
        aligner, _ = self._consultation
        return self.consult(aligner(distortion, edited))

    def consult(self, aligned: Tensor) -> Fused:
        """Encode what is to be fused of a distortion map ``(B, 3, 256, 256)`` that is aligned already."""
        _, encoder = self._consultation
        fused: Fused = encoder(aligned)
        return fused

    def ada_pose(self, distortion: Tensor, edited: Tensor) -> Tensor:
        """The distortion map aligned to an edit by the ADA that learned true turns, all ``(B, 3, 256, 256)``."""
        aligned: Tensor = self._ada_pose(distortion, edited)
        return aligned

    def direction(self, attribute: str) -> Tensor:
        """The unit vector ``(512,)`` of an attribute."""
        return lite.load_direction(self.folder, attribute).to(self.device)

    def parser(self, rgb: Tensor, _scales: tuple[float, ...] = SCALES) -> Tensor:
        """``rgb (B, 3, H, W) in [-1, 1]`` -> soft person matte ``(B, 1, H, W)`` in [0, 1]. It looks once."""
        matte: Tensor = self._parser(rgb)
        return matte

    def inpainter(self, rgb: Tensor, mask: Tensor) -> Tensor:
        """``rgb (B, 3, H, W) in [-1, 1]`` and ``mask bool (B, 1, H, W)`` -> rgb, painted where the mask is True."""
        painted: Tensor = self._inpainter(rgb, mask)
        return painted

    def ripples(self, photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor) -> Tensor:
        """Four ``rgb (B, 3, H, W) in [-1, 1]`` -> how surely an after-image shows, ``(B, 1, H, W)`` in [0, 1]."""
        found: Tensor = self._ripple_finder(photo, inversion, edit, low_rate_edit)
        return found

    @cached_property
    def _encoder(self) -> E4eLite:
        return lite.load_encoder(self.folder).to(self.device).to(memory_format=torch.channels_last)

    @cached_property
    def _preview(self) -> Preview:
        return lite.load_preview(self.folder).to(self.device).to(memory_format=torch.channels_last)

    @cached_property
    def _consultation(self) -> tuple[Aligner, ConsultationEncoder]:
        aligner, encoder = lite.load_consultation(self.folder)
        return aligner.to(self.device), encoder.to(self.device)

    @cached_property
    def _ada_pose(self) -> Aligner:
        return lite.load_ada_pose(self.folder).to(self.device)

    @cached_property
    def _parser(self) -> Parser:
        return lite.load_parser(self.folder).to(self.device)

    @cached_property
    def _inpainter(self) -> LamaLite:
        return lite.load_inpainter(self.folder).to(self.device)

    @cached_property
    def _ripple_finder(self) -> RippleFinder:
        return lite.load_ripple_finder(self.folder).to(self.device)


def load(folder: Path, device: str | None = None) -> LiteModels:
    """The set in ``folder``, on the GPU where there is one unless ``device`` says otherwise."""
    return LiteModels(folder, chosen_device(device))
