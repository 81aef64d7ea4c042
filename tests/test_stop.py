"""A run that is asked to stop: its jobs end at once, one line says so, and the same command goes on at the photo."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from test_kills import jobs_of, marks
from test_workflow import TINY, Project, weights

__all__ = ["weights"]  # a fixture

#: Within so many seconds a job must be gone.
SOON = 2.0
ONLY = ("--until", "invert")


class Printed(threading.Thread):
    """All that a run prints, read as it comes."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(daemon=True)
        self._descriptor, self.text = descriptor, ""
        self.start()

    def run(self) -> None:
        try:
            while part := os.read(self._descriptor, 4096):
                self.text += part.decode(errors="replace")
        except OSError:  # how Linux says that no one has the terminal open any more
            pass


@pytest.fixture(scope="module")
def portrayed(root: Path, tmp_path_factory: pytest.TempPathFactory, weights: None) -> Project:
    """A study of three photos that is about to invert them, which takes some seconds for each."""
    project = Project(root, tmp_path_factory.mktemp("portrayed"))
    project.set(**(TINY | {"study": {"known_plate": 2}, "invert": {"steps": 3}}))
    status, output = project.run("--until", "align", "known_plate")
    assert status == 0, output
    return project


def inverted(study: Project) -> list[Path]:
    """The files of the photos that the job's journal names."""
    return [
        path.parent / name
        for path in study.folder.glob("results/**/inversions/*.journal")
        for entry in path.read_text().splitlines()[1:]
        for name in json.loads(entry)["files"]
    ]


def ended(job: psutil.Process) -> bool:
    """Whether a process computes no more; one that nobody has asked after yet is a zombie."""
    try:
        return not job.is_running() or job.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def stopped(study: Project, run: subprocess.Popen[str], printed: Printed, stop: Callable[[], object]) -> None:
    """Stop a run once a photo is inverted: the job is gone soon, and the next run makes only the others."""
    deadline = time.monotonic() + 120
    while not inverted(study):
        assert run.poll() is None and time.monotonic() < deadline, printed.text
        time.sleep(0.05)
    jobs = jobs_of(run)
    kept = marks(dict.fromkeys(inverted(study), (0, 0)))
    assert jobs and kept
    asked = time.monotonic()
    stop()
    while not all(map(ended, jobs)):
        assert time.monotonic() - asked < SOON
        time.sleep(0.02)
    run.wait(timeout=max(0.1, SOON - (time.monotonic() - asked)))
    printed.join(timeout=10)
    assert not printed.is_alive(), "something that the run started still prints"
    status, again = study.run(*ONLY)
    assert status == 0, again
    assert marks(kept) == kept
    (index,) = study.folder.glob("results/**/inversions/*.json")
    assert len(json.loads(index.read_text())["made"]) == 3
    (log,) = study.folder.glob("logs/**/inversions/*.log")
    assert f"{len(kept) // 3} of 3 photos were finished earlier" in log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_process_of_the_lock(portrayed: Project, tmp_path: Path, number: int) -> None:
    study = portrayed.copy(tmp_path / "study")
    run = study.start(*ONLY)
    assert run.stdout is not None
    printed = Printed(run.stdout.fileno())

    def stop() -> None:
        os.kill(int((study.folder / ".snakemake/study.lock").read_text()), number)

    stopped(study, run, printed, stop)
    assert run.returncode == -number
    assert printed.text.endswith("\nstopped; the same command goes on\n")
    assert "Traceback" not in printed.text and "Error" not in printed.text


def test_ctrl_c_on_a_terminal(portrayed: Project, tmp_path: Path) -> None:
    study = portrayed.copy(tmp_path / "study")
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 120))
    run = subprocess.Popen(
        [sys.executable, "workflow/runner/run.py", "--cores", "2", *ONLY],
        cwd=study.folder,
        env=os.environ | {"PYTHONPATH": "src"},
        stdin=its,
        stdout=its,
        stderr=its,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(its)
    printed = Printed(ours)
    stopped(study, run, printed, lambda: os.write(ours, b"\x03"))
    assert run.returncode == -signal.SIGINT
    assert "jobs, invert" in printed.text  # the bar
    *_, last, end = printed.text.split("\r")
    assert last.endswith("stopped; the same command goes on") and not end.strip()
    assert "Traceback" not in printed.text and "Error" not in printed.text


def test_a_run_that_is_asked_before_its_jobs_begin(portrayed: Project, tmp_path: Path) -> None:
    study = portrayed.copy(tmp_path / "study")
    run = study.start(*ONLY)
    lock = study.folder / ".snakemake/study.lock"
    while run.poll() is None and not lock.read_text().startswith(str(run.pid)):
        time.sleep(0.01)
    time.sleep(0.2)
    run.terminate()
    output, _ = run.communicate(timeout=SOON)
    assert run.returncode == -signal.SIGTERM
    assert output.splitlines()[-1] == "stopped; the same command goes on" and "Traceback" not in output


def test_a_paused_run_goes_on(portrayed: Project, tmp_path: Path) -> None:
    """Ctrl-Z stops the jobs, too, for which the run's process group is not the terminal's."""
    study = portrayed.copy(tmp_path / "study")
    run = study.start(*ONLY)
    assert run.stdout is not None
    printed = Printed(run.stdout.fileno())
    while not (jobs := jobs_of(run)):
        assert run.poll() is None, printed.text
        time.sleep(0.05)
    run.send_signal(signal.SIGTSTP)
    deadline = time.monotonic() + 10
    while {one.status() for one in (*jobs, psutil.Process(run.pid))} != {psutil.STATUS_STOPPED}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGCONT)
    while any(one.status() == psutil.STATUS_STOPPED for one in jobs):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=SOON) == -signal.SIGINT


def test_a_job_that_met_a_full_disk_lets_the_others_end_and_no_more_begin(portrayed: Project, tmp_path: Path) -> None:
    """It tells the run by SIGUSR1: see workflow/scripts/faults.py."""
    study = portrayed.copy(tmp_path / "study")
    run = study.start("--until", "invert", "edit")
    assert run.stdout is not None
    printed = Printed(run.stdout.fileno())
    while not jobs_of(run):
        assert run.poll() is None, printed.text
        time.sleep(0.05)
    run.send_signal(signal.SIGUSR1)
    assert run.wait(timeout=300) == 1
    assert list(study.folder.glob("results/**/inversions/*.json"))
    assert not list(study.folder.glob("results/**/edits"))
