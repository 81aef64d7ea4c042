"""pSp (Richardson et al., CVPR 2021): each row of ``w_plus`` on its own."""

from __future__ import annotations

from torch import Tensor

from unripple.networks.pyramid import PyramidEncoder


class PSP(PyramidEncoder):
    """The encoder of pixel2style2pixel (``GradualStyleEncoder``). The caller adds ``latent_avg`` once."""

    def forward(self, rgb: Tensor) -> Tensor:
        """``rgb: float (B, 3, 256, 256) in [-1, 1]`` -> ``w_plus - latent_avg``, ``float (B, rows, 512)``."""
        return self.style_vectors(rgb)
