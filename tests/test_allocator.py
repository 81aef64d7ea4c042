"""Every way into the project keeps the memory that networks free."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unripple.cli import app
from unripple.jobs import allocator

ROOT = Path(__file__).parents[1]


def bare() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != allocator.NAME}


def test_make_says_the_same(root: Path) -> None:
    assert f"export {allocator.NAME} ?= {allocator.TUNABLES}\n" in (root / "Makefile").read_text()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")
def test_a_program_starts_once_more_with_its_arguments() -> None:
    code = (
        "import os, sys; from unripple.jobs import allocator; print(os.getpid(), flush=True); allocator.restart();"
        f" print(os.getpid(), os.environ[{allocator.NAME!r}], sys.argv[1:])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, "a b", "c"], env=bare(), capture_output=True, text=True, check=True
    )
    first, again, last = said.stdout.splitlines()
    assert first == again  # one process, which began anew
    assert last == f"{first} {allocator.TUNABLES} ['a b', 'c']"
    own = bare() | {allocator.NAME: "glibc.malloc.check=0"}
    kept = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True)
    assert "check=0" in kept.stdout and len(kept.stdout.splitlines()) == 2


#: Programs that run networks themselves; those of benchmarks/pipeline.py run in a workflow's jobs.
PROGRAMS = [
    path.relative_to(ROOT)
    for path in (*(ROOT / "src/unripple/training").glob("*.py"), *(ROOT / "benchmarks").glob("*.py"))
    if "import torch" in path.read_text() and "typer.run(main)" in path.read_text() and path.name != "pipeline.py"
]


@pytest.mark.parametrize("program", sorted(PROGRAMS), ids=str)
def test_trainings_and_benchmarks_start_once_more(program: Path) -> None:
    assert (ROOT / program).read_text().endswith("    allocator.restart()\n    typer.run(main)\n")


def test_children_keep_their_memory_unless_their_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(allocator.NAME, raising=False)
    allocator.for_children()
    assert os.environ[allocator.NAME] == allocator.TUNABLES
    monkeypatch.setenv(allocator.NAME, "mine")
    allocator.for_children()
    assert os.environ[allocator.NAME] == "mine"


@pytest.mark.parametrize(("arguments", "restarts"), [(["edit", "me.jpg"], 1), (["doctor"], 0), ([], 0)])
def test_the_command_that_runs_networks_starts_once_more(
    arguments: list[str], restarts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(sys, "argv", ["unripple", *arguments])
    monkeypatch.setattr(allocator, "restart", lambda: called.append("restart"))
    monkeypatch.setattr(app, "app", lambda: called.append("app"))
    app.run()
    assert called == ["restart"] * restarts + ["app"]


def test_the_workflow_sets_it_for_its_jobs(root: Path) -> None:
    assert re.search(r"^allocator\.for_children\(\)$", (root / "workflow/rules/common.smk").read_text(), re.MULTILINE)
