"""The workflow itself: what it would do, and the whole of it on a study of three photos."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml
from code_changes import change_function

from unripple.files.checksum import sha256
from unripple.jobs import index

pytestmark = pytest.mark.timeout(1800)

TINY = {
    "study": {"known_plate": 1},
    "images": {"size": 256},
    "invert": {"steps": 1},
    "edit": {"degrees": [3]},
    "metrics": {"bootstrap": 100},
}
WEIGHTS = ("directions", "encoder", "descent", "preview", "consultation", "parser", "inpainter")


class Project:
    """A copy of the project in which a study can run without touching this one."""

    #: Where its Python looks for modules first.
    path = "src"
    python = sys.executable

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        for name in ("Snakefile", "params.yaml"):
            shutil.copy(root / name, folder)
        for name in ("workflow", "src"):
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        (folder / "data/photos").mkdir(parents=True)
        (folder / "models/lite").mkdir(parents=True)
        for weights in sorted((root / "models/lite").glob("*.safetensors")):
            shutil.copy(weights, folder / "models/lite")

    def set(self, **sections: object) -> None:
        """Change parameters; sections are merged into what is there."""
        path = self.folder / "params.yaml"
        settings = yaml.safe_load(path.read_text())
        for name, value in sections.items():
            settings[name] = {**settings[name], **value} if isinstance(value, dict) else value
        path.write_text(yaml.safe_dump(settings))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": self.path, "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [self.python, "workflow/runner/run.py", "--cores", "2", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run the workflow; its exit status and all that it printed."""
        process = self.start(*arguments)
        try:
            output, _ = process.communicate()
        finally:
            if process.poll() is None:  # The test was ended: nothing of it stays behind.
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, output

    def unripple(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call a command of the project's; what it printed is in ``stdout``."""
        return subprocess.run(
            [self.python, "-m", "unripple.cli.app", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": self.path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def announced(self, *targets: str) -> list[dict[str, Any]]:
        """The jobs that would run, of a study or of targets, as ``snakemake_logger_plugin_jobs`` writes them."""
        file = self.folder / "announced.jsonl"
        file.touch()
        status, output = self.run(*targets, "--dry-run", "--logger", "jobs", "--logger-jobs-file", str(file))
        assert status == 0, output
        jobs = [json.loads(line) for line in file.read_text().splitlines()]
        file.unlink()
        return [job for job in jobs if job["rule"] != "all"]

    def plan(self) -> dict[str, int]:
        """How many jobs of each rule would run."""
        return dict(Counter(job["rule"] for job in self.announced()))

    def copy(self, folder: Path) -> Project:
        """The same project elsewhere, with all that was made in it."""
        shutil.copytree(self.folder, folder, symlinks=True)
        copied = Project.__new__(Project)
        copied.folder = folder
        return copied

    def digests(self) -> dict[str, str]:
        """The checksum of every file among the results."""
        results = self.folder / "results"
        files = [path for path in sorted(results.rglob("*")) if path.is_file()]
        return {str(path.relative_to(results)): sha256(path) for path in files}

    def reported(self) -> list[Path]:
        """What the jobs wrote that the controller of the last run has seen end.

        What ended between its last look and its death is whole, too, but no one vouched for it: Snakemake makes it
        again.
        """
        log = max(self.folder.glob(".snakemake/log/*.log"), key=lambda path: path.stat().st_mtime_ns).read_text()
        jobs = re.findall(r"^    output: (.+)$(?:\n    .*)*?\n    jobid: (\d+)$", log, flags=re.MULTILINE)
        ended = set(re.findall(r"^Finished jobid: (\d+)", log, flags=re.MULTILINE))
        return [self.folder / file for files, job in jobs if job in ended for file in files.split(", ")]


def pictures(project: Project) -> dict[str, bytes]:
    results = project.folder / "results"
    return {str(path.relative_to(results)): path.read_bytes() for path in sorted(results.rglob("*.png"))}


@pytest.fixture(scope="module")
def weights(root: Path) -> None:
    absent = [name for name in WEIGHTS if not (root / f"models/lite/{name}.safetensors").is_file()]
    assert not absent, f"models/lite: weights missing: {', '.join(absent)}; `make weights` puts them there"


@pytest.fixture
def project(root: Path, tmp_path: Path, weights: None) -> Project:
    return Project(root, tmp_path)


@pytest.fixture(scope="module")
def studied(root: Path, tmp_path_factory: pytest.TempPathFactory, weights: None) -> Project:
    """A finished tiny study, killed once on its way; one of its photos is no picture."""
    project = Project(root, tmp_path_factory.mktemp("study"))
    project.set(**TINY)
    (project.folder / "data/photos/it's {not} a picture.png").write_text("hello")
    (project.folder / "data/photos/the same.png").write_text("hello")
    (project.folder / "data/photos/gone.jpg").symlink_to("nowhere.jpg")
    first = project.start()
    deadline = time.monotonic() + 300
    while first.poll() is None and not list(project.folder.glob("results/lite/default/portraits/*.json")):
        assert time.monotonic() < deadline, "no portrait after 5 minutes"
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    printed, _ = first.communicate()
    assert first.returncode == -signal.SIGKILL, printed
    status, output = project.run()
    assert status == 0, output
    return project


@pytest.fixture
def finished(studied: Project) -> Iterator[Project]:
    """The finished study, put back as it was after a test has changed it."""
    with put_back(studied):
        yield studied


@contextmanager
def put_back(project: Project) -> Iterator[None]:
    """Undo what the block changes of sources, parameters, photos and weights, but for the times of what it touched."""
    kept = {path: path.read_bytes() for path in _sources(project.folder)}
    try:
        yield
    finally:
        for path in _sources(project.folder):
            if path not in kept:
                path.unlink()
        for path, content in kept.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)


def _sources(folder: Path) -> list[Path]:
    found = [folder / "params.yaml"]
    for name in ("src", "workflow", "data", "models"):
        found += [path for path in (folder / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return found


def test_the_whole_study_is_planned(project: Project) -> None:
    assert project.plan() == {
        "align": 1,
        "known_plate_codes": 1,
        "known_plate": 1,
        "invert": 1,
        "parse_photo": 1,
        "truth": 4,
        "edit": 4,
        "plate": 1,
        "parse_edit": 4,
        "ripple": 4,
        "fill": 4,
        "ripple_inpaint": 4,
        "split_composite": 4,
        "motion": 4,
        "layered_edit": 4,
        "layered_plate": 4,
        "layered": 4,
        "unripple": 4,
        "bitwise_or": 4,
        "measure": 4,
        "measure_inversion": 1,
        "tabulate": 1,
        "tabulate_inversion": 1,
        "report": 1,
        "latest": 1,
    } | ({} if (project.folder / "models/lite/generator.safetensors").exists() else {"convert_generator": 1})


def test_only_the_methods_that_are_asked_for_are_planned(project: Project) -> None:
    project.set(methods=["hfgi"], study={"known_plate": 0})
    others = {"fill", "plate", "bitwise_or", "split_composite", "motion", "layered_edit", "layered_plate", "unripple"}
    assert set(project.plan()).isdisjoint({"truth", "known_plate", *others})


def test_a_plan_counts_jobs_and_photos(project: Project) -> None:
    done = project.unripple("plan", "--", "--cores", "2")
    assert done.returncode == 0, done.stdout
    rows = {line.split()[0]: line.split()[1:3] for line in done.stdout.splitlines() if line}
    assert (rows["align"], rows["edit"], rows["tabulate"]) == (["1", "1"], ["4", "52"], ["1", "1"])
    assert "all" not in rows and not (project.folder / "results").exists()
    project.set(ripple={"dilate": -3})
    done = project.unripple("plan")
    assert done.returncode == 1 and "ripple.dilate = -3" in done.stdout and "Traceback" not in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_a_wrong_parameter_is_refused_before_anything_runs(project: Project, arguments: tuple[str, ...]) -> None:
    project.set(ripple={"dilate": -3})
    status, output = project.run(*arguments)
    assert status != 0
    assert "params.yaml: ripple.dilate = -3: expected an integer >= 0 and <= 128" in output
    assert "Traceback" not in output
    assert not (project.folder / "results").exists()


def test_a_study_without_photos_is_refused(project: Project) -> None:
    project.set(study={"known_plate": 0, "examples": []})
    status, output = project.run("--dry-run")
    assert status != 0
    assert "no photos to study" in output


def test_a_study_runs_in_a_folder_with_a_space(root: Path, tmp_path: Path, weights: None) -> None:
    """Its environment lies in there, too, as does its file of parameters."""
    folder = tmp_path / "my study"
    folder.mkdir()
    project = Project(root, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    project.python = str(folder / ".venv/bin/python")
    settings = folder / "my settings.yaml"
    settings.write_text(yaml.safe_dump({"study": {"name": "spaced", "known_plate": 0, "shards": 1}}))
    portraits = "results/lite/spaced/portraits/photos.shard~00.json"
    status, output = project.run("--configfile", settings.name, "--", portraits)
    assert status == 0, output
    assert list(index.read(folder / portraits)) == ["astronaut"]


def test_a_second_run_says_who_is_at_work(project: Project) -> None:
    lock = project.folder / ".snakemake/study.lock"
    lock.parent.mkdir()
    with lock.open("w") as held:
        held.write("4711\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        status, output = project.run()
    assert status != 0
    assert "4711" in output
    assert not (project.folder / "results").exists()


def test_the_study_measures_every_method_on_every_photo(studied: Project) -> None:
    (table,) = studied.folder.glob("results/lite/**/tables/**/metrics.csv")
    rows = pd.read_csv(table)
    methods = {"e4e", "hfgi", "ripple_inpaint", "split_composite", "layered", "unripple", "bitwise_or"}
    assert {(row.photo, row.method) for row in rows.itertuples()} == {
        *((photo, method) for photo in ("astronaut", "known-plate-00") for method in methods),
        ("known-plate-00", "truth"),
    }
    assert rows.loc[rows["method"] == "truth", "psnr_whole"].tolist() == [100]
    assert "not printed" in table.with_name("summary.txt").read_text()  # the kernel distance of two photos
    assert rows.loc[rows["photo"] == "known-plate-00", "psnr_whole"].notna().all()
    summary = (studied.folder / "results/summary.txt").read_text()
    assert all(method in summary for method in methods)
    assert summary.endswith(
        "Study:     default (models: lite)\n"
        "Page:      results/index.html\n"
        "Pictures:  results/pictures, a folder for each photo\n"
        "Table:     results/summary.csv\n"
        "Beside:    results/photos.csv, results/inversion.csv\n"
        "Put aside: 3 photos, each with its reason in results/quarantine.csv\n"
    )


def test_short_paths_lead_to_page_and_pictures(studied: Project, tmp_path: Path) -> None:
    """Also when the results are moved as a whole."""
    moved = tmp_path / "moved {results} ü"
    shutil.copytree(studied.folder / "results", moved, symlinks=True)
    links = re.findall(r'(?:href="|url=)([^"]+)"', (moved / "index.html").read_text())
    assert len(links) == 2 and len(set(links)) == 1
    page = moved / unquote(links[0])
    assert page.read_bytes() == next((studied.folder / "results").glob("lite/**/report/**/index.html")).read_bytes()
    shown = {str(path.relative_to(moved / "pictures")) for path in (moved / "pictures").glob("*/*")}
    edits = ("e4e", "hfgi", "mask", "ripple_inpaint", "split_composite", "layered", "unripple", "bitwise_or")
    assert shown == {
        *(f"{photo}/pose+3.{name}.png" for photo in ("astronaut", "known-plate-00") for name in edits),
        *(f"{photo}/{name}.png" for photo in ("astronaut", "known-plate-00") for name in ("photo", "inversion")),
        "known-plate-00/pose+3.truth.png",
    }
    (cleaned,) = studied.folder.glob("results/lite/**/cleaned/method~ripple_inpaint/**/known-plate-00.png")
    link = moved / "pictures/known-plate-00/pose+3.ripple_inpaint.png"
    assert link.is_symlink() and moved in link.resolve().parents
    assert link.read_bytes() == cleaned.read_bytes()


def test_pictures_by_their_short_paths_are_explained_and_count_as_no_results(studied: Project) -> None:
    picture = "results/pictures/astronaut/pose+3.ripple_inpaint.png"
    assert "── fill  " in studied.unripple("explain", picture).stdout
    before = studied.unripple("verify").stdout
    (studied.folder / "results/pictures/astronaut/photo.png").unlink()
    assert studied.unripple("verify").stdout == before and before.endswith(" 0 of them damaged\n")
    assert studied.plan() == {}
    shutil.rmtree(studied.folder / "results/pictures")
    assert studied.plan() == {"latest": 1}
    status, output = studied.run()
    assert status == 0, output
    assert (studied.folder / "results/pictures/astronaut/photo.png").is_file()


def test_a_file_that_is_no_picture_is_put_aside_with_its_reason(studied: Project) -> None:
    (table,) = studied.folder.glob("results/lite/**/tables/**/quarantine.csv")
    rows = {row["file"]: row for row in pd.read_csv(table).to_dict("records")}
    folder = "data/photos"
    assert rows.keys() == {f"{folder}/{name}" for name in ("gone.jpg", "it's {not} a picture.png", "the same.png")}
    assert rows[f"{folder}/it's {{not}} a picture.png"]["photo"] == "it's {not} a picture"
    assert "not a picture" in rows[f"{folder}/it's {{not}} a picture.png"]["reason"]
    assert "a link to nowhere.jpg" in rows[f"{folder}/gone.jpg"]["reason"]
    assert f"the same picture as {folder}/it's" in rows[f"{folder}/the same.png"]["reason"]
    assert {row["stage"] for row in rows.values()} == {"photos", "lite/default/portraits"}
    short = pd.read_csv(studied.folder / "results/quarantine.csv").to_dict("records")
    assert {row["file"]: row["reason"] for row in short} == {file: row["reason"] for file, row in rows.items()}


def test_every_picture_is_what_its_index_says(studied: Project) -> None:
    found = studied.folder.glob("results/lite/**/*shard~*.json")
    indexes = [path for path in found if not path.name.endswith(".record.json")]
    assert len(indexes) > 10
    for path in indexes:
        index.read(path).verify()


def test_nothing_that_tells_of_a_result_names_folder_host_or_time(studied: Project) -> None:
    told = {path: path.read_text() for path in (studied.folder / "results").rglob("*.json")}
    assert len(told) > 15
    for path, text in told.items():
        assert str(studied.folder) not in text and platform.node() not in text, path
        assert not re.search(r"\d\d:\d\d|20\d\d-\d\d-\d\d", text), path


def test_a_picture_is_explained_back_to_its_photo_and_weights(studied: Project) -> None:
    (picture,) = studied.folder.glob("results/lite/**/cleaned/method~ripple_inpaint/**/known-plate-00.png")
    done = studied.unripple("explain", str(picture.relative_to(studied.folder)))
    assert done.returncode == 0, done.stdout
    for stage in ("ripple_inpaint", "fill", "ripple", "parse_edit", "parse_photo", "edit", "invert", "known_plate"):
        assert re.search(rf"── {stage}  ", done.stdout), stage
    for network in WEIGHTS:
        assert network in ("mapping", "inpainter") or f"weights {network}.safetensors" in done.stdout
    assert "no longer what it was made from" not in done.stdout


def test_a_second_run_has_nothing_to_do(studied: Project) -> None:
    before = pictures(studied)
    status, output = studied.run()
    assert status == 0
    assert "Nothing to be done" in output
    assert pictures(studied) == before


def times(project: Project) -> dict[str, int]:
    """When each file was written; links are none."""
    files = (path for path in (project.folder / "results").rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(project.folder)): path.stat().st_mtime_ns for path in files}


def test_a_repair_makes_damaged_pictures_again_and_nothing_else(studied: Project) -> None:
    """One is gone and one cut short; the pictures beside them stay, and what is made of them has nothing to do."""
    pattern = "results/lite/**/cleaned/method~{}/**/{}.png"
    (gone,) = studied.folder.glob(pattern.format("bitwise_or", "astronaut"))
    (short,) = studied.folder.glob(pattern.format("split_composite", "known-plate-00"))
    before, made_at = pictures(studied), times(studied)
    gone.unlink()
    short.write_bytes(short.read_bytes()[:-1])
    assert studied.plan() == {}
    told = studied.unripple("verify")
    assert told.returncode == 1 and all(f"{path.name}: expected sha256" in told.stdout for path in (gone, short))
    stray = studied.folder / "results/lite/other/shard~00.json"
    stray.parent.mkdir()
    stray.write_text("{")
    repaired = studied.unripple("verify", "results", "--repair", "--", "--cores", "2")
    assert repaired.returncode == 1 and "other/shard~00.json: left as it is" in repaired.stdout, repaired.stdout
    stray.unlink()
    assert studied.unripple("verify", "--repair").returncode == 0
    assert studied.plan() == {}
    assert pictures(studied) == before
    made = {path for path, time in times(studied).items() if made_at.get(path) != time}
    assert made == {str(path.relative_to(studied.folder)) for path in (gone, short)} | {
        str((path.parent / "shard~00.json").relative_to(studied.folder)) for path in (gone, short)
    }


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"ripple": {"dilate": 12}}, {"ripple", "fill", "ripple_inpaint", "plate", "split_composite"}),
        ({"metrics": {"rank": "psnr_band"}}, None),
    ],
)
def test_a_change_of_a_parameter_reruns_what_it_reaches(
    finished: Project, change: dict[str, object], rules: set[str] | None
) -> None:
    """Every setting, and every other kind of change: test_reruns.py."""
    finished.set(**change)
    assert finished.plan().keys() == (set() if rules is None else rules | {"measure", "tabulate", "report", "latest"})


def test_a_change_of_a_function_reruns_what_it_reaches(finished: Project) -> None:
    change_function(finished.folder / "src/unripple/metrics/seam.py", "seam")
    assert finished.plan().keys() == {"measure", "tabulate", "report", "latest"}


def test_a_new_photo_reaches_no_known_plate(finished: Project) -> None:
    (finished.folder / "data/photos/new.png").write_bytes(b"")
    planned = finished.plan()
    assert planned["align"] == 1
    assert planned.keys().isdisjoint({"known_plate_codes", "known_plate", "truth"})
