"""The tiny study, killed at random moments: the same command again loses nothing and makes nothing twice."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from test_workflow import Project

from unripple.jobs import index

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]

KILLS = 20
#: CPU seconds of a run, and of a job, within which it is killed: a loaded machine changes nothing. A run takes about
#: 3 of them until its first job starts, a job about 4 until it has read its models.
RUN_LIVES, JOB_LIVES = (1.0, 15.0), (0.2, 5.0)

Marks = dict[Path, tuple[int, int]]


@pytest.fixture
def study(unstarted: Project, tmp_path: Path) -> Project:
    return unstarted.copy(tmp_path / "study")


def spent(process: psutil.Process) -> float:
    """CPU seconds of a process and of those that it started, also those that have ended; infinitely many of one that is
    gone."""
    try:
        return sum(sum(one.cpu_times()[:4]) for one in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0.0 if process.is_running() else float("inf")  # A child has ended meanwhile: ask again.


def jobs_of(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """The scripts that a run has started and not seen end, oldest first."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(run.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if any(".snakemake/scripts/" in part for part in child.cmdline()):
                    found.append(child)
    return sorted(found, key=lambda job: job.pid)


def marks(paths: Iterator[Path] | Marks) -> Marks:
    """What changes when a file is written anew."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def vouched(study: Project) -> Iterator[Path]:
    """Every file that is finished: the outputs of the jobs that the controller has seen end, the pictures that these
    list, and those in the journals of the others."""
    for output in study.reported():
        yield output
        with suppress(index.BrokenIndex, UnicodeDecodeError):
            listed = index.read(output)
            yield from (listed.folder / name for files in listed.made.values() for name in files)
    for path in (study.folder / "results").rglob("*.journal"):
        for entry in map(json.loads, path.read_text().splitlines()[1:]):
            yield from (path.parent / name for name in entry["files"])


def start_over(study: Project, unbroken: Project, kept: Marks) -> None:
    """A study that has ended before it was killed often enough begins anew."""
    assert study.digests() == unbroken.digests()
    for name in ("results", "logs", ".snakemake"):
        shutil.rmtree(study.folder / name)
    kept.clear()


def end(study: Project, unbroken: Project, kept: Marks) -> None:
    """After all kills: the same command ends the study, and nothing tells of the kills."""
    status, output = study.run()
    assert status == 0, output
    assert marks(kept) == kept
    assert study.digests() == unbroken.digests()


def test_a_killed_controller_loses_nothing(study: Project, unbroken: Project) -> None:
    moments, kept, kills = random.Random(1), Marks(), 0
    while kills < KILLS:
        run = study.start()
        life = moments.uniform(*RUN_LIVES)
        while run.poll() is None and spent(psutil.Process(run.pid)) < life:
            time.sleep(0.05)
        orphans = jobs_of(run)
        if run.poll() is None:
            run.kill()
            kills += 1
        output, _ = run.communicate()
        _, alive = psutil.wait_procs(orphans, timeout=120)
        assert not alive, "jobs outlive the run that started them"
        assert run.returncode in (0, -9), output
        assert marks(kept) == kept
        if run.returncode == 0:
            start_over(study, unbroken, kept)
        elif list(study.folder.glob(".snakemake/log/*.log")):
            kept |= marks(vouched(study))
    end(study, unbroken, kept)


def test_a_killed_job_loses_nothing(study: Project, unbroken: Project) -> None:
    moments, kept, kills = random.Random(2), Marks(), 0
    while kills < KILLS:
        run, lives = study.start(), dict[psutil.Process, float]()
        killed = 0
        while run.poll() is None and kills < KILLS:
            for job in jobs_of(run):
                if job not in lives:  # Every other one may live, so that the study comes to its end.
                    lives[job] = moments.uniform(*JOB_LIVES) if moments.random() < 0.5 else float("inf")
                with suppress(psutil.NoSuchProcess):
                    if lives[job] < spent(job) < float("inf"):
                        job.kill()
                        kills, killed, lives[job] = kills + 1, killed + 1, float("inf")
            time.sleep(0.05)
        output, _ = run.communicate()
        assert run.returncode == 0 or killed, output
        assert marks(kept) == kept
        kept |= marks(vouched(study))
        if run.returncode == 0:
            start_over(study, unbroken, kept)
    end(study, unbroken, kept)
