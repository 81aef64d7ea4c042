"""Jobs end with their run, and tell of a full disk where it can be read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

END = "import faults, time; faults.end_with_run(); print('at work', flush=True); time.sleep({seconds})"
FULL = """
import faults, os
faults.tell_disk_faults(os.dup(2))
os.dup2(os.open({log!r}, os.O_WRONLY | os.O_CREAT), 2)
raise {error}
"""
NO_SPACE = "OSError(28, 'No space left on device', 'results/a.png')"


@pytest.fixture
def run() -> Iterator[subprocess.Popen[bytes]]:
    """What stands for the run: a process that does nothing."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def job(root: Path, code: str, run: int | None, folder: Path | None = None) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(root / "workflow/scripts")}
    environment |= {} if run is None else {"UNRIPPLE_RUN": str(run)}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_job_ends_with_its_run(root: Path, run: subprocess.Popen[bytes]) -> None:
    work = job(root, END.format(seconds=600), run.pid)
    assert work.stdout is not None
    assert work.stdout.readline() == "at work\n"
    run.kill()
    run.wait()
    assert work.wait(timeout=20) == 1


def test_a_job_whose_run_is_gone_does_not_begin(root: Path, run: subprocess.Popen[bytes]) -> None:
    run.kill()
    run.wait()
    assert job(root, END.format(seconds=600), run.pid).communicate(timeout=20) == ("", "")


def test_a_job_of_a_cluster_ends_by_itself(root: Path) -> None:
    assert job(root, END.format(seconds=0), None).communicate(timeout=20) == ("at work\n", "")


def test_a_full_disk_is_told_in_the_log(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    work = job(root, FULL.format(log=str(log), error=NO_SPACE), None)
    assert work.communicate(timeout=20)[1] == ""
    assert log.read_text().startswith("results/a.png: No space left on device. Make room on the disk")
    assert len(log.read_text().splitlines()) == 1
    assert work.returncode == 1


def test_a_full_disk_is_told_on_the_terminal_where_the_log_is_on_it(root: Path) -> None:
    work = job(root, FULL.format(log="/dev/full", error=NO_SPACE), None)
    told = work.communicate(timeout=20)[1]
    assert told.startswith("results/a.png: No space left on device.")
    assert "Traceback" not in told


def test_a_full_disk_ends_the_run(root: Path, tmp_path: Path, run: subprocess.Popen[bytes]) -> None:
    job(root, FULL.format(log="log", error=NO_SPACE), run.pid, tmp_path).communicate(timeout=20)
    assert run.wait(timeout=20) == -signal.SIGUSR1


def test_other_errors_keep_their_traceback(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    job(root, FULL.format(log=str(log), error="ValueError('of the program')"), None).communicate(timeout=20)
    assert "Traceback" in log.read_text() and "ValueError: of the program" in log.read_text()
