"""Networks that ship in packages as files: dlib's in ``face-recognition-models``, TFLite's in ``mediapipe``.

The packages (the second is Apache-2.0) are not imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openvino


def mediapipe_network(name: str) -> Any:
    """A network by its file below ``mediapipe/modules``, in float32 on one thread: arrays -> arrays."""
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    return openvino.Core().compile_model(str(mediapipe_file(name)), "CPU", options)


def mediapipe_file(name: str) -> Path:
    """Where a file lies below ``mediapipe/modules``. ``FileNotFoundError`` if it is not there."""
    return _found(
        "mediapipe",
        f"modules/{name}",
        "the package mediapipe 0.10.21",
        "install it without its dependencies (requirements/no-deps.txt)",
    )


def dlib_file(name: str) -> Path:
    """Where a model of the package ``face-recognition-models`` lies. ``FileNotFoundError`` if it is not installed."""
    return _found(
        "face_recognition_models", f"models/{name}", "the package face-recognition-models", "install the locked version"
    )


def _found(module: str, file: str, package: str, help: str) -> Path:
    spec = find_spec(module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / file
        if path.is_file():
            return path
    raise FileNotFoundError(f"{Path(file).name}: expected in {package}, found {folders}; {help}")
