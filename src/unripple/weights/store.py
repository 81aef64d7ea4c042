"""Writing weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from unripple.images import atomic


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors by name as safetensors with ``metadata`` in the file's header; atomic.

    The file may be read by whoever may read other files of the folder: weights are shared.
    """
    with atomic(path) as part:
        part.touch()
        mode = part.stat().st_mode
        save_file(dict(tensors), part, metadata=dict(metadata))  # for its owner alone
        part.chmod(mode)
