"""What Snakemake itself costs at full size: 2,824 photos, 7 degrees, every method, all pictures empty files.

    python benchmarks/workflow.py                # the study's own workflow
    python benchmarks/workflow.py --declared     # a graph of its shape, by how a job's outputs are declared

No picture is computed: the files are made by hand and registered with ``snakemake --touch``. Each case is a fresh
process; wall time and peak memory are its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import typer
import yaml

ROOT = Path(__file__).parents[1]
DEGREES = [-3, -2, -1, 1, 1.5, 2, 3]
#: Families of results per shard, and per shard and degree, in the synthetic graph: those of the study.
PER_SHARD, PER_DEGREE = 4, 8

SNAKEFILE = """\
DECLARED, SHARDS, PHOTOS = {declared!r}, {shards}, {photos}
DEGREES = {degrees!r}

def names(stem):
    if DECLARED == "index":
        return f"{{stem}}.json"
    if DECLARED == "folder":
        return stem
    return [f"{{stem}}/{{photo:03d}}.png" for photo in range(PHOTOS)]

def made(stem):
    return directory(stem) if DECLARED == "folder" else names(stem)

rule all:
    input:
        expand(names("degree/{last_degree}/{{degree}}/{{shard}}"), degree=DEGREES, shard=range(SHARDS))
"""
RULE = """
rule {name}:
    input:
        {inputs}
    output:
        made("{stem}")
    shell:
        "exit 1"
"""


class Cost(NamedTuple):
    """Wall time in seconds, peak memory in MB, and jobs that a dry run announces."""

    seconds: float
    memory: float
    jobs: int


def run(folder: Path, *arguments: str) -> Cost:
    """One Snakemake process in a folder."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as printed:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        printed.seek(0)
        text = printed.read()
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{text[-3000:]}")
    totals = [line.split()[1] for line in text.splitlines() if line.startswith("total ")]
    return Cost(time.monotonic() - began, usage.ru_maxrss / 1024, int(totals[0]) if totals else 0)


def outputs(folder: Path) -> list[Path]:
    """Every declared output of the workflow in a folder, and whether it is a folder."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--summary", "--quiet", "all"]
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    text = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout
    return [folder / line.partition("\t")[0] for line in text.splitlines()[1:] if line]


def study(folder: Path, photos: int, shards: int) -> Path:
    """The project's own workflow with empty photos; returns one of them."""
    for name in ("Snakefile", "params.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("workflow", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    settings["study"] |= {"known_plate": 0, "examples": [], "shards": shards}
    settings["edit"]["degrees"] = DEGREES
    (folder / "params.yaml").write_text(yaml.safe_dump(settings))
    for name in ("data/photos", "models/lite"):
        (folder / name).mkdir(parents=True)
    for number in range(photos):
        (folder / f"data/photos/{number:05d}.jpg").touch()
    for network in ("generator", "mapping", "encoder", "consultation", "parser", "inpainter", "directions"):
        (folder / f"models/lite/{network}.safetensors").touch()
    return folder / "data/photos/00007.jpg"


def synthetic(folder: Path, photos: int, shards: int, declared: str) -> Path:
    """A graph of the study's shape whose jobs declare their outputs in one of three ways; returns one input."""
    text = SNAKEFILE.format(
        declared=declared, shards=shards, photos=photos // shards, degrees=DEGREES, last_degree=PER_DEGREE - 1
    )
    for family in range(PER_SHARD):
        inputs = '"photos/{shard}.txt"' if family == 0 else f'names("shard/{family - 1}/{{shard}}")'
        text += RULE.format(name=f"shard_{family}", inputs=inputs, stem=f"shard/{family}/{{shard}}")
    for family in range(PER_DEGREE):
        before = f"degree/{family - 1}/{{degree}}/{{shard}}" if family else f"shard/{PER_SHARD - 1}/{{shard}}"
        stem = f"degree/{family}/{{degree}}/{{shard}}"
        text += RULE.format(name=f"degree_{family}", inputs=f'names("{before}")', stem=stem)
    (folder / "Snakefile").write_text(text)
    (folder / "photos").mkdir()
    for shard in range(shards):
        (folder / f"photos/{shard}.txt").touch()
    return folder / "photos/0.txt"


def finish(folder: Path, *, folders: bool = False) -> None:
    """Make every output by hand, and register it."""
    for output in outputs(folder):
        output.parent.mkdir(parents=True, exist_ok=True)
        if folders:
            output.mkdir()
            (output / ".snakemake_timestamp").touch()
        else:
            output.touch()
    run(folder, "--touch", "--quiet", "all")


def measure(folder: Path, photo: Path, *, folders: bool = False) -> dict[str, Cost]:
    """The three cases of one workflow."""
    fresh = run(folder, "--dry-run")
    finish(folder, folders=folders)
    nothing = run(folder, "--dry-run")
    photo.write_text("another photo")
    return {"all to do": fresh, "nothing to do": nothing, "one photo changed": run(folder, "--dry-run")}


def main(
    declared: Annotated[bool, typer.Option("--declared", help="Compare ways to declare outputs instead.")] = False,
    photos: Annotated[int, typer.Option(min=1)] = 2824,
    shards: Annotated[int, typer.Option(min=1)] = 64,
) -> None:
    """Print the costs as a table."""
    rows = []
    for way in ("index", "folder", "files") if declared else ("study",):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            photo = synthetic(folder, photos, shards, way) if declared else study(folder, photos, shards)
            for case, cost in measure(folder, photo, folders=way == "folder").items():
                rows.append((way, case, cost.jobs, round(cost.seconds, 1), round(cost.memory)))
    table = pd.DataFrame(rows, columns=["declared as", "dry run", "jobs", "wall (s)", "memory (MB)"])
    print(f"{photos} photos, {len(DEGREES)} degrees, {shards} shards")
    print(table.to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
