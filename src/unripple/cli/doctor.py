"""``unripple doctor``: what this installation has."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import typer

from unripple import __version__
from unripple.cli.edit import MODELS, Models
from unripple.files.project import of_project
from unripple.weights.own import own_files
from unripple.weights.roles import HELD_BY, PUBLISHED, converted_file

_DLIB_FILES: Final = ("shape_predictor_68_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat")
_MEDIAPIPE_FILES: Final = (
    "face_detection/face_detection_full_range_sparse.tflite",
    "face_detection/face_detection_short_range.tflite",
    "face_landmark/face_landmark.tflite",
)
_PACKAGES: Final = (
    "torch", "torchvision", "numpy", "pillow", "pillow-heif", "opencv-python-headless", "scikit-image", "dlib-bin",
)  # fmt: skip


def doctor(models: Models = MODELS) -> None:
    """Say what is installed, which device is used and which models are present; exit code 1 if one is missing."""
    from unripple.detectors import package_files
    from unripple.stages.editor import is_published
    from unripple.weights import lite

    roles = {
        "generator": lite.GENERATOR,
        "mapping": lite.MAPPING,
        "encoder": lite.ENCODER,
        "descent": lite.DESCENT,
        "preview": lite.PREVIEW,
        "consultation": lite.CONSULTATION,
        "directions": lite.DIRECTIONS,
        "parser": lite.PARSER,
        "inpainter": lite.INPAINTER,
    }
    models = of_project(models)
    typer.echo(f"unripple {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    typer.echo(", ".join(f"{package} {_version(package)}" for package in _PACKAGES))
    typer.echo(f"device: {_device()}")
    typer.echo(f"arithmetic: {_arithmetic()}")
    complete = [
        _tell_packaged(role, name, find)
        for role, names, find in (
            ("dlib", _DLIB_FILES, package_files.dlib_file),
            ("mediapipe", _MEDIAPIPE_FILES, package_files.mediapipe_file),
        )
        for name in names
    ]
    typer.echo(f"models in {models.resolve()}")
    if is_published(models):
        complete += _tell_published(models)
        way = "`unripple weights where` says where the published weights come from (docs/published.md)"
    else:
        complete += [_tell_file(role, models / name) for role, name in roles.items()]
        _tell_own(models, "lite")
        way = "`make weights` in the repository puts the models in place"
        published = of_project(PUBLISHED)
        typer.echo(f"published models, which the default study does not need, in {published.resolve()}")
        _tell_published(published, otherwise="absent")
        typer.echo(f"the study of params.yaml, all of it, on this machine: {_duration()}")
    if not all(complete):
        typer.echo(f"something is missing: {way}", err=True)
        raise typer.Exit(1)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda, {torch.cuda.get_device_name()}"
    return f"cpu, {torch.get_num_threads()} threads of {os.cpu_count()} processors"


def _arithmetic() -> str:
    import torch

    from unripple.models.devices import chosen_device, computes_in_bfloat16

    device = chosen_device()
    able = computes_in_bfloat16(device)
    kind = f", {torch.backends.cpu.get_cpu_capability()} instructions" if device.type == "cpu" else ""
    return f"float32{kind}; {'has' if able else 'has no'} instructions for bfloat16, which no study needs"


def _duration() -> str:
    """How long the whole study would take, by what `unripple plan` knows."""
    from unripple.cli.plan import RUN, NoPlan, foreseen

    project = of_project(RUN).parent.parent
    if not (project / RUN).is_file():
        return "not known; the workflow is not here"
    try:
        hours = foreseen(project, ["--forceall"])["cpu_hours"].sum(skipna=False)
    except NoPlan as none:
        return f"not known; {str(none).strip().splitlines()[-1]}"
    if math.isnan(hours):
        return "not known until one has run (`make plan`)"
    cores = os.cpu_count() or 1
    return f"about {math.ceil(60 * hours / cores)} minutes with all {cores} processors (`make plan`: by rule)"


def _tell_packaged(role: str, name: str, find: Callable[[str], Path]) -> bool:
    try:
        return _tell_file(role, find(name))
    except FileNotFoundError as missing:
        typer.echo(f"  missing  {role}: {missing}")
        return False


def _tell_published(models: Path, otherwise: str = "missing") -> list[bool]:
    """A line for each file, with all that it holds."""
    roles = list(dict.fromkeys(HELD_BY.values()))
    holds = {role: ", ".join(need for need, holder in HELD_BY.items() if holder == role) for role in roles}
    found = [_tell_file(holds[role], converted_file(models, role), otherwise) for role in roles]
    _tell_own(models, "published")
    return found


def _tell_own(folder: Path, models: str) -> None:
    """A line for each file of a set that the default study does not need."""
    for own, file in own_files(folder, models):
        _tell_file(own.asker, file, "absent")


def _tell_file(role: str, file: Path, otherwise: str = "missing") -> bool:
    if file.is_file():
        typer.echo(f"  present  {role}: {file} ({file.stat().st_size / 2**20:.1f} MiB)")
        return True
    typer.echo(f"  {otherwise:<7}  {role}: expected at {file}")
    return False
