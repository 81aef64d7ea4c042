"""Photos per second, share of the time in which networks run, and memory, by stage, on the device present.

    python benchmarks/pipeline.py [--photos 6] [--degrees 2] [--refine 8] [--size 512]
    python benchmarks/pipeline.py --models published --photos 2 --degrees 1

Runs the study twice on the same portraits, in temporary copies of the project: as one shard, and with one photo for
each job. Embedded models (`make weights`) get known-plate portraits. Published ones get pseudo-random weights, which
know no faces: so copies of scikit-image's astronaut, one brighter than the other.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import torch
import typer
import yaml

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import write_rgb
from unripple.known_plate.portraits import example_photo
from unripple.parity.pseudo_set import write_pseudo_set
from unripple.photos.names import known_plate_names
from unripple.photos.shards import occupied
from unripple.stages.align import align
from unripple.weights.roles import PUBLISHED

ROOT = Path(__file__).parents[1]
PROGRESS = re.compile(r"(\d+) of \d+ photos, ([\d.]+) a second in batches of (\d+); networks ran (\d+)% of the time")


def project(folder: Path, models: str, photos: int, degrees: int, refine: int, size: int, shards: int) -> None:
    """A copy of the project with a study of so many portraits."""
    for name in ("Snakefile", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("workflow", "src", "models/lite"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    settings["models"] = models
    settings["study"] |= {"known_plate": photos, "examples": [], "shards": shards, "photos": "none"}
    settings["edit"]["degrees"] = [-3.0, 3.0, -1.5, 1.5][:degrees]
    settings["invert"] = {"method": "hybrid", "steps": refine} if refine and models == "lite" else {"method": "e4e"}
    if models == "published":
        settings["study"] |= {"known_plate": 0, "aligned": True, "photos": "data/photos"}
        write_pseudo_set(folder / PUBLISHED)
        write_portraits(folder / "data/photos", photos)
    settings["images"]["size"] = size
    (folder / "params.yaml").write_text(yaml.safe_dump(settings))


def photo_names(models: str, photos: int) -> list[str]:
    """The names of the study's photos, on which their shards depend."""
    return known_plate_names(photos) if models == "lite" else [f"astronaut-{i}" for i in range(photos)]


def write_portraits(folder: Path, photos: int) -> None:
    """Aligned portraits of the astronaut that differ in brightness."""
    portrait = align(example_photo("astronaut"), FaceMeter()).rgb
    for i, name in enumerate(photo_names("published", photos)):
        write_rgb(folder / f"{name}.png", portrait - np.minimum(portrait, i))


def run(folder: Path) -> float:
    """Run the study; its wall time in seconds."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "workflow/runner/run.py"], cwd=folder, env=environment, text=True, capture_output=True
    )
    if done.returncode:
        raise SystemExit(f"the study failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return time.monotonic() - began


def stages(folder: Path) -> pd.DataFrame:
    """By rule: jobs, photos, seconds from the start of the job to its end, share of the networks, memory."""
    rows = []
    for path in sorted((folder / "logs").rglob("*.tsv"), key=lambda path: path.stat().st_mtime_ns):
        row = pd.read_csv(path, sep="\t").iloc[-1]
        log = path.with_suffix(".log")
        told = PROGRESS.findall(log.read_text()) if log.exists() else []
        done, pace, batch, share = (float(value) for value in told[-1]) if told else (0.0, 1.0, 0.0, 0.0)
        rows.append(
            {
                "stage": row["rule_name"],
                "jobs": 1,
                "photos": ast.literal_eval(row["resources"]).get("photos", 0),
                "seconds": float(row["s"]),
                "networks": share / 100 * done / max(pace, 0.01),
                "batch": int(batch),
                "memory (MB)": round(float(row["max_rss"])),
            }
        )
    together = {
        "jobs": "sum",
        "photos": "sum",
        "seconds": "sum",
        "networks": "sum",
        "batch": "max",
        "memory (MB)": "max",
    }
    table = pd.DataFrame(rows).groupby("stage", sort=False).agg(together)
    table["photos/s"] = (table["photos"] / table["seconds"]).round(2).where(table["photos"] > 0, "–")
    table["networks run"] = [
        f"{share:.0%}" if share else "–" for share in (table.pop("networks") / table["seconds"]).tolist()
    ]
    return table.round({"seconds": 1})


def main(
    models: Annotated[Literal["lite", "published"], typer.Option()] = "lite",
    photos: Annotated[int, typer.Option(min=1)] = 6,
    degrees: Annotated[int, typer.Option(min=1, max=4)] = 2,
    refine: Annotated[int, typer.Option(min=0)] = 8,
    size: Annotated[int, typer.Option()] = 512,
) -> None:
    """Print a table for each way to cut the photos into jobs."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    steps = f", {refine} refinement steps" if models == "lite" else ""
    print(f"models {models}: {photos} photos, {degrees} degrees{steps}, pictures at {size}; {device}")
    for title, shards in (("one shard", 1), ("one photo for each job", alone(photo_names(models, photos)))):
        with tempfile.TemporaryDirectory() as name:
            project(Path(name), models, photos, degrees, refine, size, shards)
            seconds = run(Path(name))
            table = stages(Path(name))
        print(
            f"\n{title}: {seconds:.0f} s, {photos * degrees / seconds:.3f} edits a second, {table['jobs'].sum()} jobs,"
            f" at most {table['memory (MB)'].max()} MB in one"
        )
        print(table.to_string())


def alone(names: list[str]) -> int:
    """The smallest number of shards in which each photo has one of its own."""
    return next(shards for shards in range(len(names), 1001) if len(occupied(names, shards)) == len(names))


if __name__ == "__main__":
    typer.run(main)
