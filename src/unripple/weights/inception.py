"""The Inception network of the Fréchet inception distance, from the file that ``pytorch-fid`` publishes.

Szegedy et al., CVPR 2016, in the version of Heusel et al., NeurIPS 2017, whose pooling differs from torchvision's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import inception_v3

from unripple.weights.published import checkpoints
from unripple.weights.published.manifest import Weights, WeightsError, named, verify

#: Name of the file in the manifest of published weights, and where it is looked for.
NAME: Final = "inception"
#: Length of a picture's feature: the last pooling.
SIZE: Final = 2048
_SIDE, _CLASSES = 299, 1008


class Inception(nn.Module):
    """``rgb: float32 (B, 3, H, W) in [-1, 1]`` -> features ``float32 (B, 2048)``."""

    def __init__(self) -> None:
        super().__init__()
        self.network = inception_v3(weights=None, num_classes=_CLASSES, aux_logits=False, init_weights=False)
        for name, channels in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            setattr(self.network, name, FIDInceptionA(_width(getattr(self.network, name)), pool_features=channels))
        for name, channels in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            setattr(self.network, name, FIDInceptionC(_width(getattr(self.network, name)), channels_7x7=channels))
        self.network.Mixed_7b = FIDInceptionE_1(_width(self.network.Mixed_7b))
        self.network.Mixed_7c = FIDInceptionE_2(_width(self.network.Mixed_7c))

    def forward(self, rgb: Tensor) -> Tensor:
        return self.network(F.interpolate(rgb, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False))


def _width(block: nn.Module) -> int:
    """Channels that go into a block."""
    return int(block.branch1x1.conv.in_channels)  # type: ignore[union-attr, arg-type]


def load_inception(file: Path, weights: Weights | None = None) -> Inception:
    """The network with the weights of ``file``, frozen, in eval mode.

    Args:
        file: as published, in its place below the folder of the published models.
        weights: what the file must be, if it is not the published one.

    Raises:
        WeightsError: the file is missing, another than expected or damaged.
    """
    verify(weights or named(NAME), file.parent.parent, file)
    state = checkpoints.load(file)
    network = Inception()
    try:
        network.network.load_state_dict(state)
    except (TypeError, AttributeError, RuntimeError) as error:
        raise WeightsError(f"{file}: expected the weights of pytorch-fid's Inception, found others: {error}") from error
    network.network.fc = nn.Identity()  # the last pooling is what is asked for
    return network.eval().requires_grad_(False)
