"""e4e (Tov et al., SIGGRAPH 2021): one code for the picture and a small offset for each row of ``w_plus``."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.networks.pyramid import PyramidEncoder


class E4E(PyramidEncoder):
    """The encoder of encoder4editing and of HFGI, at the last stage of its progressive training.

    The generator's mean code is not in it: the caller adds ``latent_avg`` once.
    """

    def forward(self, rgb: Tensor) -> Tensor:
        """``rgb: float (B, 3, 256, 256) in [-1, 1]`` -> ``w_plus - latent_avg``, ``float (B, rows, 512)``."""
        styles = self.style_vectors(rgb)
        first = styles[:, :1]
        return torch.cat((first, first + styles[:, 1:]), dim=1)
