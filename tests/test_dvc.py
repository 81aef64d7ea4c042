"""DVC on clones of the project: weights from the remote inside it and from S3, experiments, archives."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer
from test_workflow import TINY, WEIGHTS

from unripple.settings import parameters

pytestmark = pytest.mark.timeout(1800)

#: What git has of the project, as far as a study needs it.
PROJECT = (
    *(".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "Makefile", "Snakefile", "dvc.yaml", "params.yaml"),
    *("requirements", "src", "workflow", "data/photos/.gitkeep", "models/remote"),
)
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


class Clone:
    """A clone of the project in which ``make`` stands for the study without its installation."""

    def __init__(self, origin: Path, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", origin, folder], check=True)
        make = folder.with_name(f"{folder.name}-bin") / "make"
        make.parent.mkdir()
        make.write_text(
            f'#!/bin/sh\n[ "$1" = study ] && shift && exec "{sys.executable}" workflow/runner/run.py --cores 2 "$@"\n'
        )
        make.chmod(0o755)
        path = os.pathsep.join([str(make.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = os.environ | OFFLINE | {"PATH": path, "PYTHONPATH": "src", **AUTHOR}

    def __call__(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def dvc(self, *arguments: str) -> str:
        return self(sys.executable, "-m", "dvc", *arguments)

    def json(self, *arguments: str) -> Any:
        """What DVC prints as JSON, without its warnings."""
        return json.loads(next(line for line in self.dvc(*arguments).splitlines() if line.startswith(("{", "["))))

    def weights(self) -> dict[str, bytes]:
        return {name: (self.folder / f"models/lite/{name}.safetensors").read_bytes() for name in WEIGHTS}


AUTHOR = {f"GIT_{role}_{what}": "unripple" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture(scope="module")
def origin(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a repository of git, of a tiny study."""
    folder = tmp_path_factory.mktemp("origin")
    for name in (*PROJECT, *(f"models/lite/{name}.safetensors.dvc" for name in WEIGHTS)):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_dir():
            shutil.copytree(root / name, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(root / name, target)
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    for section, values in TINY.items():
        settings[section] |= values
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=project"]):
        subprocess.run(["git", *command], cwd=folder, env=os.environ | AUTHOR, check=True)
    return folder


def test_a_fresh_clone_pulls_its_weights_offline(origin: Path, tmp_path: Path) -> None:
    clone = Clone(origin, tmp_path / "clone")
    clone.dvc("pull")
    assert "No changes" in clone.dvc("data", "status")
    stages = clone.json("status", "--json")
    assert set(stages) == {"study"}  # which has not run here
    assert clone("git", "status", "--short") == ""


def test_an_archive_without_git_has_its_weights_too(origin: Path, tmp_path: Path) -> None:
    """As unpacked from a download: DVC alone would ask for a repository of git."""
    folder = tmp_path / "un packed"
    shutil.copytree(origin, folder, ignore=shutil.ignore_patterns(".git"))
    (folder / ".venv").symlink_to(sys.prefix)
    done = subprocess.run(
        ["make", "--old-file=.venv/.study", "weights"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | OFFLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in WEIGHTS:
        assert (folder / f"models/lite/{name}.safetensors").stat().st_size > 1000


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3-compatible store with a bucket."""
    for name, value in (("ACCESS_KEY_ID", "me"), ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="bucket")
    yield address
    server.stop()


def test_weights_travel_through_s3(origin: Path, tmp_path: Path, s3: str) -> None:
    clones = [Clone(origin, tmp_path / name) for name in ("one", "two")]
    for clone in clones:
        clone.environment |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        clone.environment |= {"AWS_ENDPOINT_URL": s3, "no_proxy": "*", "NO_PROXY": "*"}
        clone.dvc("remote", "add", "--local", "--default", "store", "s3://bucket/unripple")
    clones[0].dvc("pull", "--remote", "embedded")
    clones[0].dvc("push")
    shutil.rmtree(clones[1].folder / "models/remote")
    clones[1].dvc("pull")
    assert clones[1].weights() == clones[0].weights()


@pytest.fixture(scope="module")
def studied(origin: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the study has run as an experiment."""
    clone = Clone(origin, tmp_path_factory.mktemp("studied") / "clone")
    clone.dvc("pull")
    for name in ("generator", "mapping"):  # as the study would convert them
        shutil.copy(root / f"models/lite/{name}.safetensors", clone.folder / "models/lite")
    clone.dvc("exp", "run", "--name", "first")
    return clone


def jobs(printed: str) -> set[str]:
    return set(re.findall(r"^(?:local)?rule (\w+):$", printed, flags=re.MULTILINE)) - {"all"}


@pytest.mark.long
def test_after_a_study_all_is_clean_and_a_fresh_pull_changes_nothing(studied: Clone) -> None:
    assert "up to date" in studied.dvc("status")
    before = studied.weights()
    for name in WEIGHTS:
        (studied.folder / f"models/lite/{name}.safetensors").unlink()
    shutil.rmtree(studied.folder / ".dvc/cache")
    studied.dvc("pull")
    assert studied.weights() == before
    assert "Nothing to be done" in studied(sys.executable, "workflow/runner/run.py", "--cores", "2", "--dry-run")


@pytest.mark.long
def test_a_study_changes_nothing_that_git_has(studied: Clone) -> None:
    """DVC's own run has written into experiments; `make study` with photos and settings of the user's does not."""

    def state() -> tuple[str, bytes, bytes]:
        files = [studied.folder / name for name in ("experiments/metrics.json", "dvc.lock")]
        return studied("git", "status", "--short"), files[0].read_bytes(), files[1].read_bytes()

    status, *contents = state()
    (studied.folder / "data/photos/mine.png").write_text("no picture")
    (studied.folder / "mine.yaml").write_text("methods: [hfgi]\n")
    studied("make", "study", "--configfile", "mine.yaml")
    assert state() == (f"{status}?? mine.yaml\n", *contents)
    assert (studied.folder / "results/metrics.json").read_bytes() != contents[0]
    assert "mine" in (studied.folder / "results/quarantine.csv").read_text()
    (studied.folder / "data/photos/mine.png").unlink()
    (studied.folder / "mine.yaml").unlink()
    studied("make", "study")


@pytest.mark.long
def test_an_experiment_shares_results_and_is_compared(studied: Clone, tmp_path: Path) -> None:
    printed = studied.dvc("exp", "run", "--name", "wide", "-S", "ripple.dilate=15")
    again = {"ripple", "fill", "ripple_inpaint", "plate", "split_composite", "measure", "tabulate", "report", "latest"}
    assert jobs(printed) == again
    (changed,) = studied.json("params", "diff", "--json").values()
    assert changed == {"ripple.dilate": {"old": 8, "new": 15, "diff": 7}}
    (shown,) = studied.json("metrics", "diff", "first", "wide", "--json").values()
    assert any(name.startswith("ripple_inpaint.") for name in shown)
    table = studied.dvc("exp", "show", "--csv")
    assert {"first", "wide"} <= set(re.findall(r"\b(first|wide)\b", table)) and "ripple_inpaint.psnr_band" in table
    studied.dvc("plots", "diff", "first", "wide", "--out", str(tmp_path / "plots"))
    assert "Ripple energy" in (tmp_path / "plots/index.html").read_text()
    studied("git", "checkout", "params.yaml")


@pytest.mark.long
def test_an_archive_travels_and_is_verified(studied: Clone, origin: Path, tmp_path: Path) -> None:
    unripple = [sys.executable, "-m", "unripple.cli.app"]
    studied(*unripple, "archive", "first")
    studied(*unripple, "archive", "second")
    folder = studied.folder / "archive/first"
    assert {path.name for path in folder.iterdir()} == {
        *("inversion.csv", "metrics.json", "params.yaml", "records", "report", "ripple_energy.csv", "summary.txt"),
        "tables",
    }
    assert not list((folder / "records").rglob("*.png"))
    parameters.load(folder / "params.yaml")
    assert "exists already" in studied(*unripple, "archive", "first", fails=True)
    studied.dvc("add", "archive/first", "archive/second")
    first, second = (yaml.safe_load(Path(f"{folder.with_name(name)}.dvc").read_text()) for name in ("first", "second"))
    assert first["outs"][0]["md5"] == second["outs"][0]["md5"]
    studied.dvc("push", "--remote", "embedded", "archive/first")

    other = Clone(origin, tmp_path / "clone")
    (other.folder / "archive").mkdir()
    shutil.copy(studied.folder / "archive/first.dvc", other.folder / "archive")
    shutil.copytree(studied.folder / "models/remote", other.folder / "models/remote", dirs_exist_ok=True)
    other.dvc("pull", "archive/first")
    assert "up to date" in other.dvc("status", "archive/first.dvc")
    page = other.folder / "archive/first/report/index.html"
    page.chmod(0o644)
    page.write_text(page.read_text() + "!")
    (page.parent / "more.txt").write_text("more")
    assert "modified" in other.dvc("status", "archive/first.dvc")
    changes = json.loads(other.dvc("data", "status", "--granular", "--json").splitlines()[-1])["uncommitted"]
    assert changes["added"] == ["archive/first/report/more.txt"]
    assert set(changes["modified"]) == {"archive/first/", "archive/first/report/index.html"}


@pytest.mark.long
def test_what_is_damaged_is_not_archived(studied: Clone) -> None:
    last = json.loads((studied.folder / "results/record.json").read_text())["record"]["inputs"]
    (table,) = (studied.folder / name for name in last if name.endswith("/summary.csv"))
    content = table.read_bytes()
    table.write_bytes(content[:-9])
    told = studied(sys.executable, "-m", "unripple.cli.app", "archive", "broken", fails=True)
    table.write_bytes(content)
    assert "summary.csv: expected sha256" in told
    assert not (studied.folder / "archive/broken").exists()


def test_without_a_study_there_is_nothing_to_archive(origin: Path, tmp_path: Path) -> None:
    clone = Clone(origin, tmp_path / "clone")
    assert "run `make study` first" in clone(sys.executable, "-m", "unripple.cli.app", "archive", "first", fails=True)
