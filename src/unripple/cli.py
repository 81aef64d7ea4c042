"""``unripple``: one photo in, cleaned edits out; what this installation has; what came out of a study.

Commands import what they need when they run: `unripple --help` loads no network library.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

from unripple.commands import results, weights
from unripple.commands.doctor import doctor
from unripple.commands.edit import edit

app = typer.Typer(
    name="unripple",
    help="Turn the head in a photo (HFGI) and remove the ripples that the edit leaves behind.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(weights.app, name="weights")
app.command()(edit)
app.command()(doctor)
app.command()(results.explain)
app.command()(results.diff)
app.command()(results.verify)
app.command()(results.archive)


@app.callback()
def main() -> None:
    """Turn the head in a photo (HFGI) and remove the ripples that the edit leaves behind."""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def plan(context: typer.Context) -> None:
    """What a study would do now and cost: jobs, photos, hours and disk by rule. Takes Snakemake's arguments."""
    import torch

    from unripple import pace
    from unripple import plan as costs_ahead

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


if __name__ == "__main__":
    sys.exit(app())
