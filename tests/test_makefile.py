"""What make does before there is an environment, and what it makes of paths with spaces."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

#: What make's recipes need before there is a Python.
TOOLS = ("make", "sh", "test", "rm", "touch", "git")


class Make:
    """The Makefile alone, on a machine with nothing but what a test puts there."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder / "un ripple"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        shutil.copytree(root / "requirements", self.folder / "requirements")
        shutil.copy(root / "Makefile", self.folder)

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """The exit status of make and all that it printed."""
        environment = {"PATH": str(self.bin), "LANG": "C"}
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def python(self, name: str, *, fits: bool) -> None:
        """Put a Python there that fits or not."""
        (self.bin / name).write_text(f"#!/bin/sh\nexit {0 if fits else 1}\n")
        (self.bin / name).chmod(0o755)


@pytest.fixture
def make(root: Path, tmp_path: Path) -> Make:
    return Make(root, tmp_path)


@pytest.mark.parametrize("asked", [None, "python3.9", "/not there/it's/python"])
def test_without_a_python_that_fits_one_sentence_says_what_to_do(make: Make, asked: str | None) -> None:
    make.python("python3", fits=False)
    make.python("python3.9", fits=False)
    status, printed = make(".venv/.study", *([f"PYTHON={asked}"] if asked else []))
    told, stopped = printed.splitlines()
    assert status != 0
    assert told.startswith(f"{asked or 'python3'}: Python 3.11, 3.12 or 3.13 is needed; install one")
    assert stopped.startswith("make: ***")
    assert not (make.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("fitting", "taken"),
    [
        (("python3", "python3.13"), "python3"),
        (("python3.11", "python3.12"), "python3.12"),
        (("python3.11",), "python3.11"),
    ],
)
def test_the_users_own_python_is_taken_before_newer_ones(make: Make, fitting: tuple[str, ...], taken: str) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        make.python(name, fits=name in fitting)
    status, printed = make("--dry-run", ".venv/.study")
    assert status == 0, printed
    assert f"python='{taken}'; " in printed


@pytest.mark.parametrize(("arguments", "renewed"), [((), False), (("PYTHON=python3.13",), True)])
def test_an_environment_is_kept_unless_another_python_is_asked_for(
    make: Make, arguments: tuple[str, ...], renewed: bool
) -> None:
    environment(make)
    make.python("python3", fits=True)
    (make.bin / "python3.13").write_text("#!/bin/sh\necho Python 3.13.0\n")
    (make.bin / "python3.13").chmod(0o755)
    status, printed = make("--dry-run", ".venv/.study", *arguments)
    assert status == 0, printed
    assert ("-m venv --clear .venv" in printed) == renewed


def test_an_environment_whose_python_is_gone_is_made_anew(make: Make) -> None:
    environment(make)
    make.python("python3", fits=True)
    (make.folder / ".venv/bin/python").unlink()
    (make.folder / ".venv/bin/python").symlink_to("/not/there/python3.12")
    status, printed = make("--dry-run", ".venv/.study")
    assert status == 0, printed
    assert "-m venv --clear .venv" in printed


def environment(make: Make) -> None:
    """An environment that is up to date."""
    (make.folder / ".venv/bin").mkdir(parents=True)
    python = make.folder / ".venv/bin/python"
    python.write_text("#!/bin/sh\necho Python 3.12.1\n")
    python.chmod(0o755)
    newest = max(path.stat().st_mtime_ns for path in (make.folder / "requirements").iterdir())
    for name in ("bin/uv", ".study"):
        (make.folder / ".venv" / name).touch()
        os.utime(make.folder / ".venv" / name, ns=(newest, newest))


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("PARAMS=my settings.yaml", "--configfile 'my settings.yaml'"),
        ("PROFILE=my cluster", "--workflow-profile 'workflow/profiles/my cluster'"),
        ("SETTINGS=my settings.yaml", "--config  sweep='my settings.yaml'"),
    ],
)
def test_paths_may_have_spaces(make: Make, given: str, passed: str) -> None:
    (make.folder / "my settings.yaml").touch()
    (make.folder / "workflow/profiles/my cluster").mkdir(parents=True)
    status, printed = make("--dry-run", "plan", given)
    assert status == 0, printed
    assert passed in printed


@pytest.mark.parametrize("name", ["PARAMS", "PROFILE"])
def test_a_path_that_is_not_there_is_refused(make: Make, name: str) -> None:
    status, printed = make("--dry-run", "plan", f"{name}=not there")
    assert status != 0
    assert f"{name}=not there: there is no " in printed
