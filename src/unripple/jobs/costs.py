"""What a study will cost, from what its jobs cost the last time: jobs, photos, hours and disk, by rule."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from unripple.jobs import damage

#: Rates of one machine, for rules that were not measured here yet. How to measure them anew stands in the file.
SHIPPED = Path(__file__).parent / "rates.yaml"
NOTES = {
    "scaled": (
        "'scaled': an estimate: another machine's hours, scaled by how fast this one is at a second of arithmetic;"
        "\na study that runs here measures it."
    ),
    "unknown": (
        "'unknown': no such job has run here, with a GPU or without one as it would now, and other machines' hours do"
        "\nnot apply (?); a study of a few photos measures it."
    ),
}


@dataclass(frozen=True)
class Job:
    """A job that a run announces; ``gpu``: whether it asks for one, as a cluster's profile may say."""

    rule: str
    photos: int = 1
    gpu: bool = False

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Job:
        """From its rule and its resources, of which ``photos`` is one."""
        resources = job["resources"]
        return cls(job["rule"], resources.get("photos", 1), bool(resources.get("gpu")))


@dataclass(frozen=True)
class Rate:
    """What one job costs: ``start`` seconds however few its photos are, then ``photo`` seconds for each; NaN where only
    another machine's are known.

    ``megabytes``: written for each photo; ``gpu``: whether it held a GPU; ``here``: measured on this machine.
    """

    start: float
    photo: float
    megabytes: float
    gpu: bool = False
    here: bool = True


def shipped(pace: float | None = None, file: Path = SHIPPED) -> dict[str, Rate]:
    """The rates that come with the project, by rule, at the pace of this machine.

    ``pace``: `unripple.jobs.pace.seconds` here; None where the rates, taken without a GPU, tell nothing of it.
    """
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    there = content["calibration"]
    factor = math.nan if pace is None or there is None else pace / there
    return {
        rule: Rate(values["start"] * factor, values["photo"] * factor, values["megabytes"], here=False)
        for rule, values in content["rates"].items()
    }


def measured(logs: Path, results: Path) -> dict[str, Rate]:
    """The rates of the jobs whose benchmarks are in ``logs``, by rule.

    A benchmark ``logs/X.tsv`` names the rule and its resources, of which ``photos`` is one, and belongs to the index
    ``results/X.json``, which lists the files that were written.
    """
    jobs: dict[str, list[tuple[float, int, float, bool]]] = {}
    for path in sorted(logs.rglob("*.tsv")):
        try:
            table = pd.read_csv(path, sep="\t")
        except pd.errors.EmptyDataError:
            continue  # of a job that was killed
        if "rule_name" not in table.columns or table.empty:
            continue  # of an older run
        row = table.iloc[-1]
        resources = ast.literal_eval(row["resources"])
        size = _written(results / path.relative_to(logs).with_suffix(".json"))
        one = (float(row["s"]), int(resources.get("photos", 1)), size, bool(resources.get("gpu")))
        jobs.setdefault(str(row["rule_name"]), []).append(one)
    return {rule: _rate(runs) for rule, runs in jobs.items()}


def costs(jobs: Iterable[Job], rates: Mapping[str, Rate]) -> pd.DataFrame:
    """A row for each rule: ``jobs, photos, cpu_hours, gpu_hours, gigabytes, measured`` (here, scaled or unknown).

    What was measured without a GPU tells nothing of jobs that hold one, nor the other way round: their hours are
    unknown, which is NaN.
    """
    by_rule: dict[str, list[Job]] = {}
    for job in jobs:
        by_rule.setdefault(job.rule, []).append(job)
    rows = []
    for rule, some in by_rule.items():
        rate, gpu, photos = rates.get(rule), some[0].gpu, sum(job.photos for job in some)
        told = rate is not None and rate.gpu == gpu
        hours = (len(some) * rate.start + photos * rate.photo) / 3600 if rate is not None and told else math.nan
        rows.append(
            {
                "rule": rule,
                "jobs": len(some),
                "photos": photos,
                "cpu_hours": 0.0 if gpu else hours,
                "gpu_hours": hours if gpu else 0.0,
                "gigabytes": math.nan if rate is None else photos * rate.megabytes / 1024,
                "measured": "unknown" if rate is None or math.isnan(hours) else "here" if rate.here else "scaled",
            }
        )
    return pd.DataFrame(rows, columns=["rule", "jobs", "photos", "cpu_hours", "gpu_hours", "gigabytes", "measured"])


def render(table: pd.DataFrame) -> str:
    """The costs as plain text, with a line for the sum, and a column for GPUs if a job holds one."""
    if table.empty:
        return "Nothing to do: every result is up to date.\n"
    titles = {"cpu_hours": "CPU hours", "gpu_hours": "GPU hours", "gigabytes": "GB"}
    if not table["gpu_hours"].any():  # NaN counts as some
        table = table.drop(columns="gpu_hours")
        titles = {"cpu_hours": "hours", "gigabytes": "GB"}
    total = {"rule": "total", "measured": "", **table[["jobs", "photos"]].sum()}
    shown = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    for column in titles:
        shown[column] = [*map(_amount, table[column]), _sum(table[column])]
    notes = ["Hours are those of one job at a time."]
    notes += [note for kind, note in NOTES.items() if kind in set(table["measured"])]
    return f"{shown.rename(columns=titles).to_string(index=False)}\n\n" + "".join(f"{note}\n" for note in notes)


def _amount(value: float) -> str:
    return "?" if math.isnan(value) else "" if value == 0 else f"{value:.2f}"


def _sum(values: pd.Series[float]) -> str:
    """The sum of what is known, of which it says so."""
    known = values.dropna()
    if len(known) == len(values):
        return _amount(float(values.sum()))
    return f"> {known.sum():.2f}" if known.any() else "?"


def _written(index: Path) -> float:
    """MB of the files in the index that a job wrote; 0 where it wrote none, or the index is damaged."""
    try:
        return sum(facts["bytes"] for facts in damage.listed(damage.read(index)).values()) / 2**20
    except (FileNotFoundError, ValueError):
        return 0.0


def _rate(runs: list[tuple[float, int, float, bool]]) -> Rate:
    """The line through jobs of few and of many photos; with jobs of one size all goes to the photos."""
    seconds, photos, sizes = (sum(run[part] for run in runs) for part in range(3))
    counts = {run[1] for run in runs}
    start, photo = 0.0, seconds / photos
    if len(counts) > 1:
        frame = pd.DataFrame(runs, columns=["seconds", "photos", "size", "gpu"])
        slope = frame["seconds"].cov(frame["photos"]) / frame["photos"].var()
        if 0 < slope < photo:
            start, photo = float((frame["seconds"] - slope * frame["photos"]).mean()), float(slope)
    return Rate(start, photo, sizes / photos, runs[-1][3])
