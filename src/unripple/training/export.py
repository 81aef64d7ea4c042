"""Writing the weights that ship."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from unripple.files.tensors import write_tensors


def export(network: nn.Module, file: Path, metadata: dict[str, str]) -> None:
    """Write a network's state, floats as float16, with ``metadata`` in the file's header; atomic.

    Raises ``ValueError`` if a weight is not finite as float16.
    """
    state = {k: (v.half() if v.is_floating_point() else v).cpu().contiguous() for k, v in network.state_dict().items()}
    for key, value in state.items():
        if not bool(value.isfinite().all()):
            raise ValueError(f"{file}: {key} is not finite in float16; the training went astray, use another seed")
    write_tensors(file, state, metadata)
