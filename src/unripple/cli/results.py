"""``unripple explain | diff | archive``: how results were made, what differs, and what is kept of them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from unripple.cli.plainly import told_plainly
from unripple.jobs import provenance
from unripple.jobs.index import BrokenIndex
from unripple.jobs.provenance import Step
from unripple.report import kept as archive_folder
from unripple.report.results_folder import NoStudy
from unripple.settings import parameters
from unripple.settings.study import Study

#: Where `explain` proposes to write settings, and the width of what is written to no terminal.
AGAIN: Final = "again.yaml"
UNCUT: Final = 100_000

Result = Annotated[Path, typer.Argument(help="A picture, a table or the page of a study, relative to the project.")]


def explain(
    result: Result,
    settings: Annotated[
        Path | None, typer.Option(help="Write the settings that it was made with into this file, for PARAMS.")
    ] = None,
) -> None:
    """Print the chain from a result back to photo and weights, and the command that makes it again."""
    with told_plainly(BrokenIndex):
        last = provenance.chain(provenance.find(result))
    tree = Tree(escape(str(result)), guide_style="dim")
    _grow(tree, last, set())
    if settings is not None:
        settings.write_text(yaml.safe_dump(provenance.settings(last), sort_keys=False), encoding="utf-8")
    # Rich cuts the lines of a tree at the width of the terminal, which a file or a pipe does not have.
    Console(soft_wrap=True, width=None if sys.stdout.isatty() else UNCUT).print(tree)
    changed = [line for step in last.walk() for line in provenance.stale(step)]
    for line in changed:
        typer.echo(f"no longer what it was made from: {line}")
    sweep = last.record["settings"].get("sweep")  # of a comparison, which Snakemake knows with its settings alone
    command = f'{f"SETTINGS={sweep} " if sweep else ""}ARGS="--force -- {last.file}"'
    if _as_now(provenance.settings(last)):
        typer.echo(f"make it again: make study {command}")
    else:
        again = f"unripple explain {shlex.quote(str(result))} --settings {AGAIN}"
        typer.echo(f"made with settings that differ from params.yaml; this writes them to {AGAIN} and uses them:")
        typer.echo(f"make it again: .venv/bin/{again} && make study PARAMS={AGAIN} {command}")


def _as_now(made: dict[str, Any]) -> bool:
    """Whether the settings of a result are those of ``params.yaml``, as far as they are known."""
    try:
        now = parameters.load(Path("params.yaml")) if Path("params.yaml").is_file() else Study()
    except parameters.ConfigError:
        return False
    present = now.model_dump()
    return all(
        value == present[section]
        if not isinstance(value, dict)
        else all(present[section].get(key) == one for key, one in value.items())
        for section, value in made.items()
    )


def diff(first: Result, second: Result) -> None:
    """Say which setting, weight, code, package or input differs between what made two results. Exit code 1 if any."""
    with told_plainly(BrokenIndex):
        one, other = (provenance.chain(provenance.find(result)) for result in (first, second))
    found = provenance.differences(one, other)
    for what, left, right in found:
        typer.echo(f"{what}: {_short(left)} | {_short(right)}")
    if not found:
        typer.echo("made in the same way")
    raise typer.Exit(1 if found else 0)


def archive(name: Annotated[str, typer.Argument(help="Name of the archive, a folder of archive/.")]) -> None:
    """Keep tables, page, settings and records of the study that ran last in archive/NAME, for `dvc add`."""
    try:
        folder = archive_folder.write(Path("archive") / name)
    except (archive_folder.ArchiveError, NoStudy, BrokenIndex, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(folder)


def _grow(tree: Tree, step: Step, shown: set[Path]) -> None:
    record = step.record
    told = ", ".join(f"{key} {value}" for key, value in record["settings"].items())
    branch = tree.add(f"[bold]{record['stage']}[/]  {escape(told)}  [dim]{escape(str(step.file))}[/]")
    if step.file in shown:
        branch.add("[dim]as above[/]")
        return
    shown.add(step.file)
    packages = " ".join(f"{name} {number}" for name, number in record["packages"].items())
    took = provenance.seconds(step.file)
    parts = (
        f"code {record['code']}",
        *((f"{took:.0f} s",) if took is not None else ()),
        f"on {record['device']} ({record['host']}) in {record['precision']}",
        *((f"seed {record['seed']}",) if record["seed"] is not None else ()),
        packages,
    )
    branch.add(escape("; ".join(parts)))
    for name, checksum in record["weights"].items():
        branch.add(f"weights {escape(name)} sha256 {checksum[:16]}…")
    for name, checksum in record["inputs"].items():
        if not name.endswith(".json"):
            branch.add(f"file {escape(name)} sha256 {checksum[:16]}…")
    for before in step.before:
        _grow(branch, before, shown)


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:57]}…"
