"""High-fidelity GAN inversion for editing (Wang et al., CVPR 2022): the four networks as one, and the edit's steps.

The state dict has the keys of the published ``ckpt.pt``: ``encoder``, ``decoder``, ``residue``, ``grid_align``.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from unripple.files.tensors import to_256
from unripple.networks.consultation import Aligner, ConsultationEncoder
from unripple.networks.e4e import E4E
from unripple.networks.fusion import Fused
from unripple.networks.stylegan2 import STYLE_DIM, StyleGAN2


class Inverted(NamedTuple):
    """``w_plus: (B, 18, 512)``; ``inversion: rgb (B, 3, 1024, 1024)``, unclamped; ``distortion: (B, 3, 256, 256)``."""

    w_plus: Tensor
    inversion: Tensor
    distortion: Tensor


class Edited(NamedTuple):
    """The steps of one edit.

    ``w_plus: (B, 18, 512)``, ``initial`` (the low-rate e4e edit) and ``final``: rgb (B, 3, 1024, 1024), unclamped;
    ``aligned: (B, 3, 256, 256)``, the distortion map where the edited face is; ``fused``: what it became.
    """

    w_plus: Tensor
    initial: Tensor
    aligned: Tensor
    fused: Fused
    final: Tensor


class HFGI(nn.Module):
    """HFGI with StyleGAN2 and e4e. ``latent_avg (rows, 512)`` is not in the state dict: set it beside the weights."""

    latent_avg: Tensor

    def __init__(self, size: int = 1024) -> None:
        super().__init__()
        decoder = StyleGAN2(size)
        self.encoder = E4E(decoder.rows)
        self.decoder = decoder
        self.residue = ConsultationEncoder()
        self.grid_align = Aligner()
        self.register_buffer("latent_avg", torch.zeros(decoder.rows, STYLE_DIM), persistent=False)

    def invert(self, photo: Tensor) -> Inverted:
        """``photo: rgb float (B, 3, 256, 256) in [-1, 1]`` -> its code, what the code shows, and what that lacks."""
        w_plus = self.encoder(photo) + self.latent_avg
        inversion = self.decoder(w_plus)
        return Inverted(w_plus, inversion, photo - to_256(inversion))

    def edit(self, w_plus: Tensor, distortion: Tensor, direction: Tensor, degree: float) -> Edited:
        """Move along ``direction``, of shape (512,) or (rows, 512), by ``degree`` and bring the photo's details back.

        With degree 0 this is HFGI's inversion. ADA aligns to the edited picture, as the published script does.
        """
        w_plus = w_plus + degree * direction
        state = self.decoder.to_fusion(w_plus)
        initial = self.decoder.from_fusion(state, w_plus)
        aligned = self.grid_align(distortion, to_256(initial))
        fused = self.residue(aligned)
        return Edited(w_plus, initial, aligned, fused, self.decoder.from_fusion(state, w_plus, fused))
