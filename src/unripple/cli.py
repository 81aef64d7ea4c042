"""``unripple``: one photo in, cleaned edits out; and what this installation has."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Final, Literal

import torch
import typer
from torch import Tensor

from unripple import __version__, pace
from unripple import plan as costs_ahead
from unripple.commands import results, weights
from unripple.config import CHOSEN
from unripple.faces import FaceMeter, model_file
from unripple.images import (
    PhotoRefused,
    Rgb,
    read_photo,
    resize,
    to_tensor,
    to_uint8,
    write_mask,
    write_rgb,
)
from unripple.models import ModelSet, lite, published
from unripple.shards import printable
from unripple.stages.align import Aligned, align, paste_back
from unripple.stages.composite import ripple_inpaint, settled, split_composite
from unripple.stages.edit import edit as edit_stage
from unripple.stages.inpaint import Inpainter, at_half_size, inpaint
from unripple.stages.invert import Inversion, invert
from unripple.stages.masks import halo, scaled
from unripple.stages.parse import person_matte
from unripple.stages.ripple import person_mask, ripple_mask
from unripple.weights import lite as lite_weights
from unripple.weights.published.manifest import WeightsError
from unripple.weights.roles import HELD_BY, PUBLISHED, converted_file

app = typer.Typer(
    name="unripple",
    help="Turn the head in a photo (HFGI) and remove the ripples that the edit leaves behind.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Method = Literal["ripple_inpaint", "split_composite"]

#: Around what has changed, a pasted portrait fades into the photo over this width (pixels at height 512).
PASTE_HALO: Final = 24.0
MODELS: Final = Path("models/lite")

_DLIB_FILES: Final = ("shape_predictor_68_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat")
_PACKAGES: Final = ("torch", "torchvision", "numpy", "pillow", "opencv-python-headless", "scikit-image", "dlib-bin")
_ROLES: Final = {
    "generator": lite_weights.GENERATOR,
    "mapping": lite_weights.MAPPING,
    "encoder": lite_weights.ENCODER,
    "consultation": lite_weights.CONSULTATION,
    "directions": lite_weights.DIRECTIONS,
    "parser": lite_weights.PARSER,
    "inpainter": lite_weights.INPAINTER,
}


@dataclass(frozen=True)
class Portrait:
    """What all edits of a photo share. Tensors at 1024: ``rgb (1, 3, H, W)``, ``matte (1, 1, H, W)``."""

    photo: Rgb
    aligned: Aligned
    rgb: Tensor
    matte: Tensor
    inversion: Inversion


app.add_typer(weights.app, name="weights")
app.command()(results.explain)
app.command()(results.diff)
app.command()(results.verify)
app.command()(results.archive)


@app.callback()
def main() -> None:
    """Turn the head in a photo (HFGI) and remove the ripples that the edit leaves behind."""


@app.command()
def edit(
    photo: Annotated[Path, typer.Argument(help="A photo with a face, seen from the front or half from the side.")],
    pose: Annotated[
        list[float] | None,
        typer.Option(
            min=-5, max=5, help="Degree of the turn, + to the person's right; may be repeated.", show_default="3"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the pictures; existing ones are replaced.")] = Path("out"),
    models: Annotated[Path, typer.Option(help="Folder of the models, models/lite or models/published.")] = MODELS,
    method: Annotated[Method, typer.Option(help="How the ripples are removed.")] = "ripple_inpaint",
    dilate: Annotated[int, typer.Option(min=0, max=128, help="Growth of the masks, in pixels at 512.")] = 8,
    feather: Annotated[int, typer.Option(min=0, max=64, help="Soft edge of the fill, in pixels at 512.")] = 4,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Matte value from which a pixel is person.")] = 0.5,
    refine: Annotated[
        int | None,
        typer.Option(min=0, help="Gradient steps on the encoder's code.", show_default="16; 0 with published models"),
    ] = None,
    device: Annotated[
        Literal["cpu", "cuda"] | None, typer.Option(help="Where to compute.", show_default="cuda where there is one")
    ] = None,
) -> None:
    """Turn the head: writes the portrait and, for each degree, baseline, mask, cleaned edit, and that in the photo."""
    if device == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter("this machine has no CUDA device that torch can use", param_hint="--device")
    with _told_plainly(photo), torch.no_grad():
        embedded = not _is_published(models)
        networks: ModelSet = (lite if embedded else published).load(models, device)
        steps = CHOSEN["lite" if embedded else "published"]["invert"]["refine"] if refine is None else refine
        # lama-lite was made for the study's pictures, which are half as large as these.
        inpainter = at_half_size(networks.inpainter) if embedded else networks.inpainter
        portrait = _prepare(photo, networks, steps)
        write_rgb(out / "portrait.png", portrait.aligned.rgb)
        for degree in dict.fromkeys(pose or [3.0]):
            folder = out / f"pose{degree:+g}"
            _edit_once(portrait, degree, folder, networks, inpainter, method, dilate, feather, threshold)
            typer.echo(f"{folder}: baseline.png, mask.png, cleaned.png ({method}), pasted.png")


@app.command()
def doctor(models: Annotated[Path, typer.Option(help="Folder of the models.")] = MODELS) -> None:
    """Say what is installed, which device is used and which models are present; exit code 1 if one is missing."""
    typer.echo(f"unripple {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    typer.echo(", ".join(f"{package} {_version(package)}" for package in _PACKAGES))
    typer.echo(f"device: {_device()}")
    complete = [_tell_face_model(name) for name in _DLIB_FILES]
    typer.echo(f"models in {models.resolve()}")
    if _is_published(models):
        complete += _tell_published(models)
        way = "`unripple weights where` says where the published weights come from (docs/published.md)"
    else:
        complete += [_tell_file(role, models / name) for role, name in _ROLES.items()]
        way = "`make weights` in the repository puts the models into place"
        typer.echo(f"published models, which the default study does not need, in {PUBLISHED.resolve()}")
        _tell_published(PUBLISHED, otherwise="absent")
    if not all(complete):
        typer.echo(f"something is missing: {way}", err=True)
        raise typer.Exit(1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def plan(context: typer.Context) -> None:
    """What a study would do now and cost: jobs, photos, hours and disk by rule. Takes Snakemake's arguments."""
    run = Path("workflow/run.py")
    if not run.is_file():
        typer.echo("workflow/run.py: not here; run this in the project's folder", err=True)
        raise typer.Exit(1)
    command = [sys.executable, str(run), "--dry-run", *context.args]
    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if found.returncode:
        typer.echo(found.stdout, err=True)
        raise typer.Exit(found.returncode)
    jobs, photos = costs_ahead.jobs_of(found.stdout), costs_ahead.photos_of(found.stdout)
    rates = costs_ahead.measured(Path("logs"), Path("results"))
    if jobs.keys() - rates.keys():
        # A machine with a GPU computes on it, and the rates that come along were taken without one.
        rates = costs_ahead.shipped(None if torch.cuda.is_available() else pace.seconds()) | rates
    typer.echo(costs_ahead.render(costs_ahead.costs(jobs, photos, rates, costs_ahead.on_gpu(found.stdout))))


def _prepare(path: Path, networks: ModelSet, refine: int) -> Portrait:
    photo = read_photo(path)
    aligned = align(photo.rgb, FaceMeter())
    for note in (*photo.notes, *aligned.notes):
        typer.echo(f"{printable(str(path))}: {note}")
    rgb = to_tensor([aligned.rgb]).to(networks.device)
    return Portrait(photo.rgb, aligned, rgb, person_matte(rgb, networks), invert(networks.seen(rgb), networks, refine))


def _edit_once(
    portrait: Portrait,
    degree: float,
    folder: Path,
    networks: ModelSet,
    inpainter: Inpainter,
    method: Method,
    dilate: int,
    feather: int,
    threshold: float,
) -> None:
    """One degree: edit, find the ripples, clean, paste back, write."""
    inversion = portrait.inversion
    edited = edit_stage(inversion.w_plus, inversion.distortion, networks.direction("pose"), degree, networks)
    baseline = resize(edited.hfgi.clamp(-1, 1), portrait.rgb.shape[-1])
    matte = person_matte(baseline, networks)
    before, after = portrait.matte >= threshold, matte >= threshold
    mask = ripple_mask(before, after, dilate=dilate)
    if method == "ripple_inpaint":
        filled = inpaint(baseline, mask, inpainter, feather=0, hidden=settled(matte) > 0)
        cleaned = ripple_inpaint(baseline, mask, filled, matte, feather)
    else:
        plate = inpaint(portrait.rgb, person_mask(before, dilate), inpainter)
        cleaned = split_composite(baseline, matte, plate)
    changed = before | after | mask
    weight = halo(changed, scaled(PASTE_HALO, mask))[0, 0].cpu().numpy()
    picture = to_uint8(cleaned)[0]
    write_rgb(folder / "baseline.png", to_uint8(baseline)[0])
    write_mask(folder / "mask.png", mask[0, 0].cpu().numpy())
    write_rgb(folder / "cleaned.png", picture)
    write_rgb(folder / "pasted.png", paste_back(portrait.photo, picture, portrait.aligned.transform, weight))


@contextmanager
def _told_plainly(photo: Path) -> Iterator[None]:
    """What a user can mend becomes one line and exit code 1, not a traceback."""
    try:
        yield
    except PhotoRefused as refused:
        message = f"{printable(str(photo))}: {refused.reason}"
    except (lite_weights.MissingModel, WeightsError) as missing:
        message = str(missing)
    except FileNotFoundError as missing:
        message = f"{printable(str(missing.filename or missing))}: no such file"
    except OSError as error:
        message = f"{printable(str(error.filename or 'disk'))}: {error.strerror}"
    else:
        return
    typer.echo(message, err=True)
    raise typer.Exit(1)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _device() -> str:
    if torch.cuda.is_available():
        return f"cuda, {torch.cuda.get_device_name()}"
    return f"cpu, {torch.get_num_threads()} threads of {os.cpu_count()} processors"


def _tell_face_model(name: str) -> bool:
    try:
        return _tell_file("dlib", model_file(name))
    except FileNotFoundError as missing:
        typer.echo(f"  missing  dlib: {missing}")
        return False


def _is_published(models: Path) -> bool:
    return models.name == PUBLISHED.name or converted_file(models, "hfgi").is_file()


def _tell_published(models: Path, otherwise: str = "missing") -> list[bool]:
    """A line for each file, with all that it holds."""
    roles = list(dict.fromkeys(HELD_BY.values()))
    holds = {role: ", ".join(need for need, holder in HELD_BY.items() if holder == role) for role in roles}
    return [_tell_file(holds[role], converted_file(models, role), otherwise) for role in roles]


def _tell_file(role: str, file: Path, otherwise: str = "missing") -> bool:
    if file.is_file():
        typer.echo(f"  present  {role}: {file} ({file.stat().st_size / 2**20:.1f} MiB)")
        return True
    typer.echo(f"  {otherwise:<7}  {role}: expected at {file}")
    return False


if __name__ == "__main__":
    sys.exit(app())
