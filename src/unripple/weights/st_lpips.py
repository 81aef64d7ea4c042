"""The weights of shift-tolerant LPIPS, read from the package ``stlpips-pytorch`` (BSD 2-clause) without importing it.

Its modules import packages that it does not declare; only the weight file is used.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

from unripple.networks.st_alexnet import StAlexNet, StLpips

_CONVOLUTIONS = ("net.slice1.0", "net.slice2.5", "net.slice3.9", "net.slice4.11", "net.slice5.13")


def weights_file() -> Path:
    """The weight file inside the installed package.

    Raises ``FileNotFoundError`` where the package or its file is missing.
    """
    spec = find_spec("stlpips_pytorch")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("stlpips-pytorch: expected an installed package, found none; install the requirements")
    path = Path(spec.origin).parent / "weights" / "vST0.0" / "alex_shift_tolerant.pth"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the weights of ST-LPIPS, found no file; reinstall stlpips-pytorch")
    return path


def load_trunk() -> StAlexNet:
    """The trunk with its trained weights, frozen, in eval mode."""
    stored = torch.load(weights_file(), map_location="cpu", weights_only=True)
    state = {
        f"convolutions.{i}.{kind}": stored[f"{name}.{kind}"]
        for i, name in enumerate(_CONVOLUTIONS)
        for kind in ("weight", "bias")
    }
    trunk = StAlexNet()
    trunk.load_state_dict(state)
    return trunk.eval().requires_grad_(False)


def load_st_lpips() -> StLpips:
    """ST-LPIPS with its published weights, frozen, in eval mode."""
    stored = torch.load(weights_file(), map_location="cpu", weights_only=True)
    network = StLpips()
    network.load_state_dict(
        {f"trunk.{key}": value for key, value in load_trunk().state_dict().items()}
        | {f"linears.{i}": stored[f"lin{i}.model.1.weight"] for i in range(len(_CONVOLUTIONS))}
    )
    return network.eval().requires_grad_(False)
