"""``unripple verify``: whether results are what their indexes and records say, and those that are not made again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from unripple.cli.plan import RUN, NoPlan, announced
from unripple.jobs import damage


def verify(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of results.")] = Path("results"),
    repair: Annotated[bool, typer.Option("--repair", help="Make again what is damaged, and nothing else.")] = False,
) -> None:
    """Compare every file of results with its checksum. Exit code 1 if one differs and is not made again.

    The repair takes Snakemake's arguments: `unripple verify results --repair -- --configfile mine.yaml`.
    """
    if not folder.is_dir():
        typer.echo(f"{folder}: no such folder", err=True)
        raise typer.Exit(1)
    folder = Path(os.path.relpath(folder))
    files, damaged = damage.find(folder)
    for lines in damaged.values():
        for line in lines:
            typer.echo(line, err=True)
    typer.echo(f"{folder}: {files} files, {sum(map(len, damaged.values()))} of them damaged")
    if repair:
        damaged = _repair(folder, damaged, context.args)
    elif damaged:
        typer.echo(f"`unripple verify {folder} --repair` makes them again, and nothing else")
    raise typer.Exit(1 if damaged else 0)


def _repair(folder: Path, damaged: dict[Path, list[str]], arguments: list[str]) -> dict[Path, list[str]]:
    """Let the jobs behind damaged results run again. Returns the damage that is no part of the study.

    Snakemake makes everything anew that follows a job which it runs. So these jobs run alone; what follows then counts
    their indexes by content, which is the same as before, and has nothing to do.
    """
    # A repair that was stopped has left journals without their indexes, which Snakemake would not miss.
    wanted = {*damaged, *damage.unfinished(folder)}
    try:
        jobs = announced(Path(), ["--forceall", *arguments]) if wanted else []
    except NoPlan as none:
        typer.echo(str(none), err=True)
        raise typer.Exit(1) from None
    declared = {Path(file) for job in jobs for file in job["output"]}
    again = wanted & declared
    for index in again:
        damage.keep_whole(index)
    for level in damage.levels(again):
        targets = [str(path) for path in level]
        done = subprocess.run([sys.executable, str(RUN), "--until", *targets, "--forcerun", *targets, *arguments])
        if done.returncode:
            raise typer.Exit(1)
    left = {path: lines for path, lines in damaged.items() if path not in declared}
    for path in left:
        typer.echo(f"{path}: left as it is, no part of the study with these settings", err=True)
    return left
