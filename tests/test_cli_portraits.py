"""``unripple portraits`` and ``unripple times`` without a study; with one: test_external_study.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_plan import finished
from typer.testing import CliRunner

from unripple.cli.app import app


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_portraits_need_the_projects_folder(elsewhere: Path) -> None:
    result = CliRunner().invoke(app, ["portraits"])
    assert result.exit_code == 1
    assert "workflow/runner/run.py: not here; run this in the project's folder" in result.output
    assert not list(elsewhere.iterdir())


def test_wrong_settings_are_refused_before_anything_is_made(elsewhere: Path) -> None:
    run = elsewhere / "workflow/runner/run.py"
    run.parent.mkdir(parents=True)
    run.write_text("raise SystemExit('ran')")
    (elsewhere / "params.yaml").write_text("study:\n  known_plate: 2\n")
    (elsewhere / "mine.yaml").write_text("study:\n  known_plate: -1\n")
    result = CliRunner().invoke(app, ["portraits", "--params", "mine.yaml"])
    assert result.exit_code == 1
    assert "study.known_plate = -1: expected an integer >= 0" in result.output
    assert CliRunner().invoke(app, ["portraits", "--params", "none.yaml"]).exit_code == 1
    # With right ones the workflow runs, and its failure is the command's.
    assert CliRunner().invoke(app, ["portraits"]).exit_code == 1
    assert not (elsewhere / "portraits").exists()


def test_times_are_those_of_the_jobs_that_ran(elsewhere: Path) -> None:
    nothing = CliRunner().invoke(app, ["times"])
    assert nothing.exit_code == 1 and "run `make study` first" in nothing.output
    finished(elsewhere, "inversions/shard~00", "invert", 30.0, 3)
    finished(elsewhere, "edits/shard~00", "edit", 1.5, 3)
    lines = CliRunner().invoke(app, ["times"]).output.splitlines()
    assert lines[:2] == ["invert     10.00 s", "edit        0.50 s"]
