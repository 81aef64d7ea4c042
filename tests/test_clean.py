"""`make clean` says what goes and how large it is, and takes nothing else."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder after a study."""
    for name, size in {"results/a.png": 2**20, "logs/a.log": 3, ".snakemake/study.lock": 0, "params.yaml": 1}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "results/pictures").mkdir()
    (tmp_path / "results/pictures/a.png").symlink_to("../a.png")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def clean(root: Path, folder: Path) -> tuple[int, str]:
    make = ["make", "--silent", "-f", str(root / "Makefile"), f"PYTHON={sys.executable}", "clean"]
    (folder / "workflow/runner").mkdir(parents=True, exist_ok=True)
    for name in ("clean.py", "folders.py"):
        (folder / "workflow/runner" / name).write_bytes((root / "workflow/runner" / name).read_bytes())
    done = subprocess.run(make, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def test_it_says_what_it_removes(root: Path, folder: Path) -> None:
    status, told = clean(root, folder)
    assert status == 0, told
    assert told.splitlines() == [
        "removing results: 2 files, 1.0 MB",
        "removing logs: 1 files, 0.0 MB",
        "removing .snakemake: 1 files, 0.0 MB",
    ]
    assert {path.name for path in folder.iterdir()} == {".git", "params.yaml", "workflow"}
    assert clean(root, folder) == (0, "nothing to remove\n")


def test_it_removes_nothing_that_git_has(root: Path, folder: Path) -> None:
    subprocess.run(["git", "add", "results/a.png"], cwd=folder, check=True)
    status, told = clean(root, folder)
    assert status != 0 and told.startswith("results/a.png: git has it, so nothing is removed")
    assert (folder / "logs/a.log").exists()


def test_it_removes_nothing_while_a_study_runs(root: Path, folder: Path) -> None:
    with (folder / ".snakemake/study.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, told = clean(root, folder)
    assert status != 0 and "a study runs here already" in told
    assert (folder / "results/a.png").exists()


def test_what_lies_behind_a_link_stays(root: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = tmp_path_factory.mktemp("store") / "results"
    (folder / "results").rename(store)
    (folder / "results").symlink_to(store)
    status, told = clean(root, folder)
    assert status == 0 and f"removing the link results; what is in {store} stays\n" in told
    assert (store / "a.png").exists() and not (folder / "results").is_symlink()
