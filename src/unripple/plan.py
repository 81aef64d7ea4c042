"""What a study will cost, from what its jobs cost the last time: jobs, photos, hours and disk, by rule."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from unripple import damage

#: Rates of the machine on which the README's figures were measured, for rules that were not measured here yet.
SHIPPED = Path(__file__).parent / "rates.yaml"


@dataclass(frozen=True)
class Rate:
    """What one job costs: ``start`` seconds however few its photos are, then ``photo`` seconds for each.

    ``megabytes``: written for each photo; ``gpu``: whether it held a GPU; ``here``: measured on this machine.
    """

    start: float
    photo: float
    megabytes: float
    gpu: bool = False
    here: bool = True


def shipped() -> dict[str, Rate]:
    """The rates that come with the project, by rule."""
    return {rule: Rate(**values, here=False) for rule, values in yaml.safe_load(SHIPPED.read_text())["rates"].items()}


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


def jobs_of(dry_run: str) -> dict[str, int]:
    """Jobs by rule, from what ``snakemake --dry-run`` prints: once for damaged results, once for the rest."""
    found = Counter(rule for rule, _ in _announced(dry_run))
    del found["all"]
    return dict(found)


def photos_of(dry_run: str) -> dict[str, int]:
    """Photos by rule, from the resource ``photos`` that a dry run prints for each job; 1 where a job has none."""
    found: dict[str, int] = {}
    for rule, block in _announced(dry_run):
        number = re.search(r"\bphotos=(\d+)", block)
        found[rule] = found.get(rule, 0) + (int(number[1]) if number else 1)
    return found


def on_gpu(dry_run: str) -> set[str]:
    """The rules whose jobs ask for a GPU, as a cluster's profile may say."""
    return {rule for rule, block in _announced(dry_run) if re.search(r"\bgpu=[1-9]", block)}


def costs(
    jobs: Mapping[str, int], photos: Mapping[str, int], rates: Mapping[str, Rate], gpu: Collection[str] = ()
) -> pd.DataFrame:
    """A row for each rule: ``jobs, photos, cpu_hours, gpu_hours, gigabytes, measured`` (here, elsewhere or never).

    ``gpu``: rules whose jobs hold a GPU. A rate that was measured without one is taken, but as measured elsewhere.
    """
    rows = []
    for rule, count in jobs.items():
        rate = rates.get(rule)
        seen = photos.get(rule, count)
        hours = 0.0 if rate is None else (count * rate.start + seen * rate.photo) / 3600
        rows.append(
            {
                "rule": rule,
                "jobs": count,
                "photos": seen,
                "cpu_hours": 0.0 if rule in gpu else hours,
                "gpu_hours": hours if rule in gpu else 0.0,
                "gigabytes": 0.0 if rate is None else seen * rate.megabytes / 1024,
                "measured": "never" if rate is None else _where(rate, rule in gpu),
            }
        )
    return pd.DataFrame(rows, columns=["rule", "jobs", "photos", "cpu_hours", "gpu_hours", "gigabytes", "measured"])


def render(table: pd.DataFrame) -> str:
    """The costs as plain text, with a line for the sum."""
    if table.empty:
        return "Nothing to do: every result is up to date.\n"
    total = table[["jobs", "photos", "cpu_hours", "gpu_hours", "gigabytes"]].sum()
    shown = pd.concat([table, pd.DataFrame([{"rule": "total", **total, "measured": ""}])], ignore_index=True)
    for column in ("jobs", "photos"):
        shown[column] = shown[column].astype(int)
    for column in ("cpu_hours", "gpu_hours", "gigabytes"):
        shown[column] = shown[column].map(lambda value: "" if value == 0 else f"{value:.2f}")
    text = shown.rename(columns={"cpu_hours": "CPU hours", "gpu_hours": "GPU hours", "gigabytes": "GB"})
    return (
        f"{text.to_string(index=False)}\n\n"
        "Hours are those of one job at a time. 'elsewhere': at the pace of the machine that the README names, or of\n"
        "jobs without a GPU here, until a study has been measured as it would now run; 'never': no such job has been\n"
        "measured, and it counts nothing.\n"
    )


def _announced(dry_run: str) -> Iterator[tuple[str, str]]:
    """The rule of each job that a dry run announces, and what it says of the job."""
    for block in re.split(r"^(?:local)?rule ", dry_run, flags=re.MULTILINE)[1:]:
        yield block.partition(":")[0], block


def _where(rate: Rate, on_gpu: bool) -> str:
    return "here" if rate.here and rate.gpu == on_gpu else "elsewhere"


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
