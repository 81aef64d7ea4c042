"""Writing JSON and named arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unripple.files.atomic import atomic


def write_json(path: Path, obj: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write JSON with sorted keys. ``ValueError`` for NaN and infinity, which JSON does not have: pass None."""
    try:
        text = json.dumps(obj, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; write None where a number is missing") from None
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as compressed npz; equal arrays give equal bytes (numpy stores no time)."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
