"""Converted published weights -> our networks. Only the part of a file that a network needs is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from unripple.weights.lite import load_state
from unripple.weights.own import OWN, own_file
from unripple.weights.published.manifest import WeightsError

M = TypeVar("M", bound=nn.Module)

#: Where what a file lacks comes from.
HOW: Final = "`unripple weights where` says where to get the published weights, `unripple weights convert` writes them"


def load_part(build: Callable[[], M], file: Path, prefix: str = "") -> M:
    """A network with the weights under ``prefix``, loaded strictly as float32, frozen and in eval mode.

    Raises ``WeightsError`` naming the file if it is missing, damaged or holds others.
    """
    with _opened(file) as weights:
        names = [key for key in weights.keys() if key.startswith(prefix)]  # noqa: SIM118 (no mapping)
        state = {key.removeprefix(prefix): weights.get_tensor(key) for key in names}
    try:
        return load_state(build(), state, file)
    except ValueError as error:
        raise WeightsError(f"{error}; {HOW}") from error


def load_own(build: Callable[[], M], folder: Path, name: str) -> M:
    """A network that only this project trains, as `load_part` does; see `weights.own`.

    Raises ``WeightsError`` that says how the file is made if it is missing.
    """
    file = own_file(folder, name)
    if not file.is_file():
        raise WeightsError(f"{file}: no such file; {OWN[name].sources['published']}")
    return load_part(build, file)


def load_tensor(file: Path, key: str) -> Tensor:
    """One tensor, float32. Raises ``WeightsError`` naming the file and what it holds."""
    with _opened(file) as weights:
        found = sorted(weights.keys())
        if key not in found:
            raise WeightsError(f"{file}: expected {key!r}, found {', '.join(found[:5])}; {HOW}")
        tensor: Tensor = weights.get_tensor(key)
    return tensor.to(torch.float32)


def _opened(file: Path) -> safe_open:
    try:
        return safe_open(file, framework="pt")
    except FileNotFoundError:
        raise WeightsError(f"{file}: no such file; {HOW}") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{file}: expected safetensors, found a damaged file ({error}); {HOW}") from error
