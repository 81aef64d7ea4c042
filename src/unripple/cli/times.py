"""``unripple times``: what the stages of the studies in this folder took."""

from __future__ import annotations

from pathlib import Path

import typer


def times() -> None:
    """Print the seconds that each stage took for a photo, from the benchmarks of the jobs that ran here."""
    from unripple.jobs.costs import measured

    if not (rates := measured(Path("logs"), Path("results"))):
        typer.echo("logs: no job was measured here; run `make study` first", err=True)
        raise typer.Exit(1)
    width = max(map(len, rates))
    for rule, rate in sorted(rates.items(), key=lambda one: -one[1].photo):
        typer.echo(f"{rule:{width}}  {rate.photo:8.2f} s" + (f", and {rate.start:.1f} s a job" if rate.start else ""))
    typer.echo("\nWall time for each photo; of stages that work on all photos at once, for all of them.")
    typer.echo("A job that was stopped and went on counts with its last part alone.")
