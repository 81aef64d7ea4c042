"""Networks that ship in the package ``mediapipe`` (Apache-2.0), which is not imported: its TFLite files, on the CPU."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openvino


def network(name: str) -> Any:
    """A network by its file below ``mediapipe/modules``, in float32 on one thread: arrays -> arrays."""
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    return openvino.Core().compile_model(str(model_file(name)), "CPU", options)


def model_file(name: str) -> Path:
    """Where a file lies in the package ``mediapipe``. ``FileNotFoundError`` if it is not there."""
    spec = find_spec("mediapipe")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / "modules" / name
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{name}: expected in the package mediapipe 0.10.21, found {folders}; "
        "install it without its dependencies (requirements/no-deps.txt)"
    )
