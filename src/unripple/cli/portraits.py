"""``unripple portraits``: the study's portraits for another system to edit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from unripple.settings.study import Study

RUN = Path("workflow/runner/run.py")


def portraits(
    out: Annotated[Path, typer.Argument(help="Folder for the portraits; what is there is replaced.")] = Path(
        "portraits"
    ),
    params: Annotated[Path | None, typer.Option(help="File of settings, laid over params.yaml.")] = None,
) -> None:
    """Write the study's portraits with their codes and mattes, for another system to edit: docs/benchmark.md."""
    from unripple.photos.names import PhotosError
    from unripple.settings import parameters

    if not RUN.is_file():
        typer.echo(f"{RUN}: not here; run this in the project's folder", err=True)
        raise typer.Exit(1)
    try:
        study = parameters.load(Path("params.yaml"), None if params is None else parameters.read_file(params))
        targets = _targets(study)
    except (parameters.ConfigError, PhotosError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    # The workflow makes what is not there yet, and the study finds it made.
    over = [] if params is None else ["--configfile", str(params)]
    codes = _results(study) / "codes/known-plate.npz"
    made = [str(target) for target in (*targets, *([codes] if study.study.known_plate else []))]
    if status := subprocess.run([sys.executable, str(RUN), *over, "--", *made]).returncode:
        raise typer.Exit(status)
    count = _write(out, study, targets, codes)
    typer.echo(f"{out}: {count} portraits; {out / 'README.txt'} says what to make of them")


def _results(study: Study) -> Path:
    return Path("results") / study.models / study.study.name


def _targets(study: Study) -> list[Path]:
    """The indexes of all portraits of a study, as the workflow splits them into shards."""
    from unripple.photos import names, shards
    from unripple.photos.album import find

    chosen = study.study
    album = find(Path(chosen.photos), chosen.split, cache=Path(".snakemake/archives"), examples=chosen.examples)
    sources = {
        "known-plate": names.known_plate_names(chosen.known_plate),
        "photos": sorted({*album.photos, *chosen.examples}),
    }
    folder = _results(study) / "portraits"
    return [
        folder / f"{source}.shard~{shard}.json"
        for source, photos in sources.items()
        for shard in shards.occupied(photos, chosen.shards)
    ]


def _write(out: Path, study: Study, targets: list[Path], file: Path) -> int:
    from importlib import import_module

    import numpy as np

    from unripple.known_plate.handout import write_handout
    from unripple.models import ModelSet
    from unripple.models.directions import direction_of

    models: ModelSet = import_module(f"unripple.models.{study.models}").load(Path("models") / study.models, None)
    codes = {}
    if study.study.known_plate:
        with np.load(file) as arrays:
            codes = dict(arrays)
    return write_handout(
        out,
        targets,
        codes,
        direction_of(models, study.edit.attribute).cpu().numpy(),
        study=study.study.name,
        attribute=study.edit.spelled_attribute(),
        degrees=study.edit.degrees,
        size=study.images.size,
    )
