"""docs/reruns.md is true: each change of its tables, made on a finished study, announces exactly the rules it lists."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import torch
import yaml
from code_changes import change_function
from pydantic import BaseModel
from test_study_published import tiny_weights
from test_workflow import TINY, Project, put_back

from unripple.models.devices import computes_in_bfloat16
from unripple.photos.celeba_hq import MAPPING, PARTITION
from unripple.settings.study import Study
from unripple.weights.roles import PUBLISHED

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

Jobs = list[dict[str, Any]]

PAGE = Path(__file__).parents[1] / "docs/reruns.md"
EMPTY_JOBS = Path(__file__).with_name("empty_jobs")
#: Two shards: these photos are in shard 00, the known-plate portrait and the astronaut in 01.
PHOTOS = ("7.png", "9.png")
SHARDS = {
    "": set(),
    "its own": {"00"},
    "its old and its new one": {"00", "01"},
    "all": {"00", "01"},
}


def rows(header: str) -> list[list[str]]:
    """The cells of the table on the page that starts with a header."""
    table = PAGE.read_text().partition(f"| {header} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def rules(cell: str) -> set[str]:
    """The rules that a cell of the page lists: `rule`, *group*, nothing, and after "but" what is taken out."""
    listed, _, but = cell.partition(" but ")
    if listed == "nothing":
        return set()
    groups = {name.strip("*"): text for name, text in rows("Name")}
    named = re.findall(r"`(\w+)`|\*(\w+)\*", listed)
    assert named, cell
    found = {rule for rule, _ in named if rule}.union(*(rules(groups[group]) for _, group in named if group))
    return found - rules(but) if but else found


@pytest.fixture(scope="module")
def finished(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study whose jobs have run, though their results are empty: what would run again does not look into them."""
    project = Project(root, tmp_path_factory.mktemp("reruns"))
    project.set(**{**TINY, "study": {"known_plate": 1, "shards": 2}})
    for name in PHOTOS:
        (project.folder / "data/photos" / name).write_text(f"no picture, {name}")
    project.path = os.pathsep.join([str(EMPTY_JOBS), "src"])
    status, output = project.run()
    assert status == 0, output
    project.path = "src"
    return project


def keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every key of the settings, as ``section.key``."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{name}.")
        else:
            yield before + name


def test_the_page_has_every_setting() -> None:
    assert [key.strip("`") for key, _, _ in rows("Key of `params.yaml`")] == list(keys(Study))


def setting(key: str, value: str, project: Project) -> None:
    section, _, name = key.strip("`").rpartition(".")
    new = yaml.safe_load(value.strip("`"))
    if key == "`models`":
        tiny_weights(project.folder / PUBLISHED, "pose")
        project.set(invert={"method": "e4e", "steps": "auto"})  # e4e's codes are not refined
    if key == "`study.split`":  # of the two photos, one is of the test split
        (project.folder / "data" / MAPPING).write_text("idx orig_idx orig_file\n7 0 000001.jpg\n9 1 000002.jpg\n")
        (project.folder / "data" / PARTITION).write_text("000001.jpg 2\n000002.jpg 0\n")
    if key == "`study.photos`":
        shutil.copytree(project.folder / "data/photos", project.folder / new)
    project.set(**({section: {name: new}} if section else {name: new}))


def replace(path: str, old: str, new: str, project: Project) -> None:
    file = project.folder / path
    text = file.read_text()
    assert old in text, f"{path}: {old}"
    file.write_text(text.replace(old, new, 1))


def append(path: str, text: str, project: Project) -> None:
    with (project.folder / path).open("a") as file:
        file.write(text)


def photo(project: Project, old: str, new: str | None) -> None:
    """Rename or remove a photo."""
    folder = project.folder / "data/photos"
    (folder / old).rename(folder / new) if new else (folder / old).unlink()


def older(project: Project) -> None:
    """Another photo, put in place as ``cp -p`` does."""
    file = project.folder / "data/photos/7.png"
    file.write_text("another photo")
    os.utime(file, (0, 0))


def weights(network: str, project: Project) -> None:
    """Other weights of the same size."""
    file = project.folder / f"models/lite/{network}.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def learned_masks(project: Project) -> None:
    """Ask for the ripple finder, whose weights the default study does not need."""
    (project.folder / "models/lite/ripple_finder.safetensors").write_bytes(b"weights")
    project.set(ripple={"operation": "learned"})


def reordered(project: Project) -> None:
    file = project.folder / "params.yaml"
    settings = yaml.safe_load(file.read_text())
    turned = {
        name: dict(reversed(part.items())) if isinstance(part, dict) else part
        for name, part in reversed(settings.items())
    }
    file.write_text(yaml.safe_dump(turned, sort_keys=False))


def files(project: Project) -> Iterator[Path]:
    """All files that a user or git or DVC puts there."""
    for path in project.folder.rglob("*"):
        if path.is_file() and path.relative_to(project.folder).parts[0] not in (".snakemake", "results", "logs"):
            yield path


def touched(project: Project) -> None:
    for path in project.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path)


def replaced(project: Project) -> None:
    for path in files(project):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)


def function(path: str, name: str, project: Project) -> None:
    change_function(project.folder / "src/unripple" / path, name)


def version(package: str, project: Project) -> None:
    """What an installed package says of itself, found before the one that is there."""
    told = project.folder / "src" / f"{package}-99.0.egg-info"
    told.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 99.0\n")


RULES = "workflow/rules/invert.smk"
CHANGES: dict[str, Callable[[Project], None]] = {
    "a photo changed": partial(append, "data/photos/7.png", "!"),
    "a photo added": partial(append, "data/photos/cleo.png", "no picture"),
    "a photo removed": partial(photo, old="9.png", new=None),
    "a photo renamed": partial(photo, old="9.png", new="bea.png"),
    "a photo replaced by one with a time older than the results": older,
    **{
        f"weights of the {network}": partial(weights, network)
        for network in ("generator", "mapping", "encoder", "descent", "preview", "consultation", "directions", "parser")
    },
    "weights of the inpainter, which the default study does not use": partial(weights, "inpainter"),
    "`ripple.operation: learned`, and weights of the ripple finder": learned_masks,
    "a function of one stage: the split composite": partial(function, "stages/composite.py", "split_composite"),
    "a function of one metric: the seam": partial(function, "metrics/seam.py", "seam"),
    "a function of two stages: leading masks to the border": partial(function, "stages/ripple.py", "_lead_to_border"),
    "a helper of every stage: writing to the disk": partial(function, "files/atomic.py", "_fsync"),
    "a script: bitwise_or": partial(append, "workflow/scripts/bitwise_or.py", "len('changed')\n"),
    **{f"another version of {package}": partial(version, package) for package in ("torch", "torchmetrics", "pandas")},
    "a function that nothing calls": partial(
        append, "src/unripple/files/atomic.py", "\n\ndef _nobody():\n    return 1\n"
    ),
    "a comment and a docstring in the code": partial(
        replace, "src/unripple/stages/ripple.py", '    """Join', '    # A comment.\n    """Now join'
    ),
    "code of the report: the strips": partial(function, "report/strip.py", "draw_strip"),
    **{
        f"a template of the report: {path.name}": partial(append, f"src/unripple/report/templates/{path.name}", "\n")
        for path in sorted((PAGE.parents[1] / "src/unripple/report/templates").iterdir())
    },
    "a caption of Snakemake's report": partial(append, "workflow/report/metrics.rst", "More.\n"),
    "threads of a rule": partial(replace, RULES, "threads: 2", "threads: 1"),
    "memory of a rule": partial(replace, RULES, "mem_mb=5000", "mem_mb=5001"),
    "the profile": partial(replace, "workflow/profiles/default/config.yaml", "cores: all", "cores: 1"),
    "a comment in params.yaml": partial(append, "params.yaml", "# A comment.\n"),
    "the order of the keys of params.yaml": reordered,
    "0.5 written 0.50": partial(replace, "params.yaml", "threshold: 0.5", "threshold: 0.50"),
    "everything touched": touched,
    "every file replaced by an equal one, as after a fresh `dvc pull`": replaced,
}


SETTINGS = {key: partial(setting, key, value) for key, value, _ in rows("Key of `params.yaml`")}


@pytest.fixture(scope="module")
def plans(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Jobs]]]:
    """The jobs that are announced after each change; as many changes at a time as there are copies of the study."""
    copies = SimpleQueue[Project]()
    for one in (finished, finished.copy(tmp_path_factory.mktemp("copy") / "study")):
        copies.put(one)

    def plan(change: Callable[[Project], None]) -> Jobs:
        project = copies.get()
        try:
            with put_back(project):
                change(project)
                return project.announced()
        finally:
            copies.put(project)

    with ThreadPoolExecutor(copies.qsize()) as pool:
        yield {name: pool.submit(plan, change) for name, change in (SETTINGS | CHANGES).items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("key", "again"), [(key, again) for key, _, again in rows("Key of `params.yaml`")])
def test_a_setting(plans: dict[str, Future[Jobs]], key: str, again: str) -> None:
    if key == "`compute.precision`" and not computes_in_bfloat16(torch.device("cpu")):
        pytest.skip("refused on this CPU before anything is planned")
    assert {job["rule"] for job in plans[key].result()} == rules(again)


@pytest.mark.parametrize(("change", "again", "shards"), rows("Change"))
def test_a_change(plans: dict[str, Future[Jobs]], change: str, again: str, shards: str) -> None:
    jobs = plans[change].result()
    assert {job["rule"] for job in jobs} == rules(again)
    assert {job["wildcards"]["shard"] for job in jobs if "shard" in job["wildcards"]} == SHARDS[shards]


def test_every_change_is_on_the_page() -> None:
    assert [change for change, _, _ in rows("Change")] == list(CHANGES)
