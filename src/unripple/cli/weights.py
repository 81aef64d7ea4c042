"""``unripple weights``: list, fetch, verify, find and convert the published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from unripple.cli.plainly import told_plainly
from unripple.weights.published import fetch as fetching
from unripple.weights.published import manifest
from unripple.weights.published.manifest import Weights, WeightsError
from unripple.weights.roles import PUBLISHED, Layout

app = typer.Typer(help="The papers' weights: which there are, where they come from, whether they are whole.")

Models = Annotated[Path, typer.Option(help="Folder of the published models.")]
Names = Annotated[list[str] | None, typer.Argument(help="Names as `list` shows them.", show_default="all")]
Named = Annotated[list[str], typer.Argument(help="Names as `list` shows them.")]


@app.command("list")
def list_all(models: Models = PUBLISHED) -> None:
    """All published weights: what they hold, their licence, and whether they are here."""
    table = Table("Name", "Size", "Here", "Licence", "Holds", box=None)
    table.columns[0].no_wrap = True
    for weights in manifest.manifest().values():
        here = "yes" if weights.path(models).is_file() else "no"
        table.add_row(weights.name, weights.size, here, weights.licence, weights.holds)
    Console().print(table)


@app.command()
def fetch(names: Named, models: Models = PUBLISHED) -> None:
    """Download weights, going on where an earlier try stopped, and verify them."""
    with told_plainly(WeightsError):
        for weights in _chosen(names):
            path = fetching.fetch(weights, models)
            typer.echo(f"{path}: verified. Licence: {weights.licence}")


@app.command()
def verify(names: Names = None, models: Models = PUBLISHED) -> None:
    """Check weights that are here against their checksums. Exit code 1 if one is wrong, or a named one is missing."""
    wrong = 0
    with told_plainly(WeightsError):
        chosen = [weights for weights in _chosen(names) if names or weights.path(models).is_file()]
    for weights in chosen:
        try:
            found = manifest.verify(weights, models)
            known = "" if weights.sha256 else "; no public checksum is known, held to the first file that was seen"
            typer.echo(f"{weights.path(models)}: sha256 {found}{known}")
        except WeightsError as error:
            wrong += 1
            typer.echo(str(error), err=True)
    if not chosen:
        typer.echo(f"{models / manifest.ORIGINALS}: no published weights here")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def where(names: Names = None, models: Models = PUBLISHED) -> None:
    """Where each file is looked for, and where it comes from: to place it by hand."""
    with told_plainly(WeightsError):
        for weights in _chosen(names):
            typer.echo(f"{weights.name}: {weights.path(models).absolute()}")
            for source in weights.sources:
                typer.echo(f"  from {fetching.url_of(source)}")
            for checksum in weights.sha256:
                typer.echo(f"  sha256 {checksum}")


@app.command()
def convert(
    files: Annotated[list[Path], typer.Argument(help="Files as published, or of the same layout.")],
    layout: Annotated[
        Layout | None,
        typer.Option("--as", help="Layout of any file but a published one.", show_default="by name"),
    ] = None,
    models: Models = PUBLISHED,
) -> None:
    """Read files as published and write them as our networks' weights. Nothing that a file carries is run."""
    from unripple.weights.published.convert import convert as convert_file  # with torch

    with told_plainly(WeightsError):
        for file in files:
            written = convert_file(file, models, layout)
            typer.echo(f"{written}: converted from {file}; {written.stem}.provenance.json says what it was made of")


def _chosen(names: list[str] | None) -> list[Weights]:
    return [manifest.named(name) for name in names] if names else list(manifest.manifest().values())
