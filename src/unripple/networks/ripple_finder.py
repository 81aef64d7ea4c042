"""The ripple finder: the parser's residual U-Net, which looks at four pictures and marks where an after-image shows."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from unripple.networks.parser import WIDTHS, Segmenter

#: An after-image is a few grey levels: differences of pictures are enlarged by this.
GAIN: Final = 4.0


def evidence(photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor) -> Tensor:
    """What the finder looks at: photo, edit, the distortion map, and what was made of it.

    Four ``rgb float (B, 3, H, W)`` in [-1, 1] -> ``float (B, 12, H, W)``. Raises ``ValueError`` on other layouts.
    """
    for name, rgb in {"photo": photo, "inversion": inversion, "edit": edit, "low_rate_edit": low_rate_edit}.items():
        if rgb.ndim != 4 or rgb.shape[1] != 3 or rgb.shape != photo.shape:
            raise ValueError(f"{name}: expected (B, 3, H, W) like the photo, found {tuple(rgb.shape)}")
    return torch.cat((photo, edit, GAIN * (photo - inversion), GAIN * (edit - low_rate_edit)), dim=1)


class RippleFinder(nn.Module):
    """Photo, low-rate inversion, HFGI's edit and the low-rate edit -> how surely an after-image shows.

    Four ``rgb float (B, 3, H, W)`` in [-1, 1] of one size, any size -> ``(B, 1, H, W)`` in [0, 1], same dtype. The
    pictures are looked at with their longer side at 256 px.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.segmenter = Segmenter(widths, channels=12)

    def forward(self, photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor) -> Tensor:
        return torch.sigmoid(self.segmenter.at_any_size(evidence(photo, inversion, edit, low_rate_edit)))
