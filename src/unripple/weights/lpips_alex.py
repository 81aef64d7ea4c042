"""LPIPS with AlexNet (Zhang et al., CVPR 2018), as the library ``lpips`` has it.

The library ships its linear heads. The trunk is torchvision's AlexNet, a file of its own: it is read from the folder of
the published weights, once it is verified, and never downloaded in passing.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

from lpips import LPIPS

from unripple.weights.published import checkpoints
from unripple.weights.published.manifest import Weights, WeightsError, named, verify

#: The trunk's name in the manifest.
ALEXNET: Final = "alexnet"
#: Convolutions of torchvision's AlexNet, in the library's slices.
LAYERS: Final = {1: 0, 2: 3, 3: 6, 4: 8, 5: 10}


def load_lpips_alex(models: Path, weights: Weights | None = None) -> LPIPS:
    """The distance, frozen, in eval mode: two batches ``float32 (B, 3, H, W) in [-1, 1]`` -> ``float32 (B, 1, 1, 1)``.

    Args:
        models: folder of the published models.
        weights: the trunk's file, if it is not the published one.

    Raises:
        WeightsError: the trunk's file is missing, another than expected or damaged.
    """
    trunk = weights or named(ALEXNET)
    verify(trunk, models)
    path = trunk.path(models)
    state = checkpoints.load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the library names torchvision's argument as it was once called
        network = LPIPS(net="alex", pnet_rand=True, verbose=False)
    try:
        own = {
            f"slice{piece}.{layer}.{kind}": state[f"features.{layer}.{kind}"]
            for piece, layer in LAYERS.items()
            for kind in ("weight", "bias")
        }
        network.net.load_state_dict(own)
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path}: not the weights of torchvision's AlexNet (features.*): {error}") from error
    return network.eval().requires_grad_(False)
