"""ArcFace's IR-SE50 (Deng et al., CVPR 2019): the identity network of the encoders' training loss."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks.irse import IRSE50

#: Side of the network's input.
INPUT_SIZE = 112
#: Rows and columns of an FFHQ-aligned picture of 256 px that the network sees (pSp's identity loss).
CROP_ROWS, CROP_COLUMNS = slice(35, 223), slice(32, 220)


def crop_face(rgb: Tensor) -> Tensor:
    """``rgb: float (B, 3, 256, 256)``, FFHQ-aligned -> the face at the size of the network, ``(B, 3, 112, 112)``."""
    if rgb.shape[-2:] != (256, 256):
        raise ValueError(f"crop_face: expected a picture of 256 x 256, found {rgb.shape[-2]} x {rgb.shape[-1]}")
    return F.adaptive_avg_pool2d(rgb[..., CROP_ROWS, CROP_COLUMNS], INPUT_SIZE)


class ArcFace(IRSE50):
    """``rgb: float (B, 3, 112, 112) in [-1, 1]`` -> identity of unit norm, ``float (B, 512)``.

    The dot product of two identities is their cosine similarity.
    """

    def __init__(self) -> None:
        super().__init__()
        side = INPUT_SIZE // 16
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512),
            nn.Dropout(),
            nn.Flatten(),
            nn.Linear(512 * side**2, 512),
            nn.BatchNorm1d(512),
        )

    def embed(self, rgb: Tensor) -> Tensor:
        """The identity before it is brought to unit norm, ``float (B, 512)``."""
        embedding: Tensor = self.output_layer(self.body(self.input_layer(rgb)))
        return embedding

    def forward(self, rgb: Tensor) -> Tensor:
        return F.normalize(self.embed(rgb))
