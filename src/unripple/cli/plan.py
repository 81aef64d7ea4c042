"""``unripple plan``: what a study will cost, before anything runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

RUN = Path("workflow/runner/run.py")


class NoPlan(RuntimeError):
    """No study can be planned here; the message is what the workflow said."""


def plan(context: typer.Context) -> None:
    """What a study would do now and cost: jobs, photos, hours and disk by rule. Takes Snakemake's arguments."""
    from unripple.jobs.costs import render

    try:
        typer.echo(render(foreseen(Path(), context.args)))
    except NoPlan as none:
        typer.echo(str(none), err=True)
        raise typer.Exit(1) from None


def foreseen(project: Path, arguments: list[str]) -> pd.DataFrame:
    """The costs of the study of a project, see `unripple.jobs.costs.costs`. Raises ``NoPlan``."""
    import torch

    from unripple.jobs import costs as costs_ahead
    from unripple.jobs import pace

    jobs = [costs_ahead.Job.of(job) for job in announced(project, arguments) if job["rule"] != "all"]
    rates = costs_ahead.measured(project / "logs", project / "results")
    if {job.rule for job in jobs} - rates.keys():
        # A machine with a GPU computes on it, and the rates that come along were taken without one.
        rates = costs_ahead.shipped(None if torch.cuda.is_available() else pace.seconds()) | rates
    return costs_ahead.costs(jobs, rates)


def announced(project: Path, arguments: list[str]) -> list[dict[str, Any]]:
    """The jobs that a run would have, as ``snakemake_logger_plugin_jobs`` writes them. Raises ``NoPlan``."""
    if not (project / RUN).is_file():
        raise NoPlan(f"{RUN}: not here; run this in the project's folder")
    with NamedTemporaryFile("r", encoding="utf-8") as file:
        told = ["--dry-run", "--logger", "jobs", "--logger-jobs-file", file.name]
        command = [sys.executable, str(RUN), *told, *arguments]
        done = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise NoPlan(done.stdout)
        return [json.loads(line) for line in file]
