"""The papers' own networks: StyleGAN2, e4e and HFGI, Graphonomy, big-LaMa, InterfaceGAN's directions.

All but the parser, the inpainter and the directions come from one file, HFGI's checkpoint: its encoder is e4e, its
decoder StyleGAN2-FFHQ with the mapping network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unripple.files.tensors import to_256, to_tensor, to_uint8
from unripple.models.devices import chosen_device
from unripple.networks.consultation import Aligner, ConsultationEncoder
from unripple.networks.descent import Descent
from unripple.networks.e4e import E4E
from unripple.networks.fusion import Fused
from unripple.networks.graphonomy import Graphonomy
from unripple.networks.graphonomy_flow import parse, person_matte
from unripple.networks.lama import LamaGenerator, inpaint
from unripple.networks.layout import channels_last
from unripple.networks.psp import PSP
from unripple.networks.pyramid import INPUT_SIZE
from unripple.networks.st_alexnet import StLpips
from unripple.networks.stylegan2 import StyleGAN2
from unripple.settings import inverters
from unripple.settings.inverters import Inverter
from unripple.settings.parsing import SCALES
from unripple.weights.published.load import load_own, load_part, load_tensor
from unripple.weights.roles import LATENT_AVG, converted_file
from unripple.weights.st_lpips import load_st_lpips

#: A generator without most of its convolutions, for its mapping network alone.
SMALLEST: Final = 64


@dataclass(frozen=True)
class PublishedModels:
    """A ``ModelSet``. ``folder``: where the converted files are; ``device``: where the networks run.

    Every network raises ``weights.published.manifest.WeightsError`` when its file is not there.
    """

    folder: Path
    device: torch.device

    @cached_property
    def mapping(self) -> nn.Module:
        """z -> w."""
        mapping = load_part(lambda: StyleGAN2(SMALLEST).style, self._hfgi, "decoder.style.")
        return mapping.to(self.device)

    @cached_property
    def generator(self) -> StyleGAN2:
        """StyleGAN2-FFHQ config-f, with the noise that its checkpoint stores."""
        return channels_last(load_part(StyleGAN2, self._hfgi, "decoder.").to(self.device))

    @cached_property
    def fast_generator(self) -> StyleGAN2:
        """The generator in bfloat16, for edits that ask for it."""
        return channels_last(load_part(StyleGAN2, self._hfgi, "decoder.").to(self.device, torch.bfloat16))

    def small_picture(self, w_plus: Tensor) -> Tensor:
        """What `to_256` makes of the generator's picture."""
        return to_256(self.generator(w_plus))

    @cached_property
    def perceptual(self) -> StLpips:
        """The perceptual distance."""
        return load_st_lpips().to(self.device)

    def seen(self, portrait: Tensor) -> Tensor:
        """As HFGI's script reads photos: 8 bits, made smaller by Pillow's bilinear filter, which is antialiased."""
        pictures = [Image.fromarray(rgb) for rgb in to_uint8(portrait)]
        small = [picture.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BILINEAR) for picture in pictures]
        return to_tensor([np.asarray(picture) for picture in small])

    def encoder(self, rgb: Tensor, network: str = "e4e") -> Tensor:
        """``rgb float (B, 3, 256, 256) in [-1, 1]`` -> ``w_plus (B, 18, 512)``, the mean code added; e4e's or pSp's."""
        encoder, mean = self._psp if network == "psp" else (self._encoder, self._latent_avg)
        codes: Tensor = encoder(rgb) + mean
        return codes

    @property
    def inverter(self) -> tuple[Inverter, int]:
        """The set's own way from a photo to a code, and its steps."""
        return inverters.own("published")

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
        return load_tensor(converted_file(self.folder, "directions"), attribute).to(self.device)

    def parser(self, rgb: Tensor, scales: tuple[float, ...] = SCALES) -> Tensor:
        """``rgb (B, 3, H, W) in [-1, 1]`` -> soft person matte ``(B, 1, H, W)`` in [0, 1].

        Graphonomy's inference, picture by picture; the whole of it has six scales, each also mirrored.
        """
        mattes = [person_matte(parse(self._parser, picture, scales), len(scales)) for picture in to_uint8(rgb)]
        return torch.cat(mattes)

    def inpainter(self, rgb: Tensor, mask: Tensor) -> Tensor:
        """``rgb (B, 3, H, W) in [-1, 1]`` and ``mask bool (B, 1, H, W)`` -> rgb, painted where the mask is True."""
        return inpaint(self._inpainter, rgb, mask)

    def preview(self, w_plus: Tensor) -> Tensor:
        """The set has none: raises ``ValueError``, see `descent`."""
        raise ValueError("refinement: expected models = lite, in whose W codes are refined, found published")

    @property
    def descent(self) -> Descent:
        """The set has none: raises ``ValueError``. Settings that ask for `hybrid` are refused before anything runs."""
        raise ValueError("refinement: expected models = lite, in whose W codes are refined, found published")

    def ripples(self, photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor) -> Tensor:
        """The set has none: raises ``ValueError``. Settings that ask for it are refused before anything runs."""
        raise ValueError("ripple finder: expected models = lite, whose edits it was trained on, found published")

    @property
    def _hfgi(self) -> Path:
        return converted_file(self.folder, "hfgi")

    @cached_property
    def _encoder(self) -> E4E:
        return channels_last(load_part(E4E, self._hfgi, "encoder.").to(self.device))

    @cached_property
    def _psp(self) -> tuple[PSP, Tensor]:
        """The encoder, and the mean code of its own checkpoint."""
        file = converted_file(self.folder, "psp")
        encoder = channels_last(load_part(PSP, file, "encoder.").to(self.device))
        return encoder, load_tensor(file, LATENT_AVG).to(self.device)

    @cached_property
    def _latent_avg(self) -> Tensor:
        return load_tensor(self._hfgi, LATENT_AVG).to(self.device)

    @cached_property
    def _consultation(self) -> tuple[Aligner, ConsultationEncoder]:
        aligner = load_part(Aligner, self._hfgi, "grid_align.")
        encoder = load_part(ConsultationEncoder, self._hfgi, "residue.")
        return channels_last(aligner.to(self.device)), channels_last(encoder.to(self.device))

    @cached_property
    def _ada_pose(self) -> Aligner:
        return channels_last(load_own(Aligner, self.folder, "ada_pose").to(self.device))

    @cached_property
    def _parser(self) -> Graphonomy:
        return channels_last(load_part(Graphonomy, converted_file(self.folder, "parser")).to(self.device))

    @cached_property
    def _inpainter(self) -> LamaGenerator:
        return channels_last(load_part(LamaGenerator, converted_file(self.folder, "inpainter")).to(self.device))


def load(folder: Path, device: str | None = None) -> PublishedModels:
    """The set in ``folder``, on the GPU where there is one unless ``device`` says otherwise."""
    return PublishedModels(folder, chosen_device(device))
