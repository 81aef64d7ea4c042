"""Disks that are full or read-only, in a mount namespace of their own: one message, and what was finished stays."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from test_workflow import Project

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def alone(project: Project, script: str) -> list[str]:
    """Run a shell script, in which ``$study`` starts the study, where it may mount what it likes. Returns what it
    printed, cut where it printed ``#next``."""
    study = shlex.join([sys.executable, "workflow/runner/run.py", "--cores", "2"])
    environment = os.environ | {"PYTHONPATH": "src", "study": study}
    command = ["unshare", "--map-root-user", "--mount", "bash", "-euc", script]
    done = subprocess.run(
        command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.split("#next\n")


def digests(folder: Path) -> dict[str, str]:
    """The checksum of every file in a folder of results."""
    project = Project.__new__(Project)
    project.folder = folder
    return project.digests()


def test_a_disk_that_fills_up_is_one_message_and_costs_nothing(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    told, again = alone(
        study,
        """
        rm -r results/lite/default/size~*/invert~*/precision~*/{rows,tables,report} results/*.* logs
        mkdir full early mended
        cp -a results early
        mount -t tmpfs -o size=100m none results
        cp -a early/results/. results
        $study > printed 2>&1 & run=$!
        until grep -q "rule measure" printed; do kill -0 $run; sleep 0.1; done
        head --bytes=200m /dev/zero > results/ballast || true
        wait $run && exit 1
        cat printed
        rm results/ballast
        cp -a results full
        echo "#next"
        find results -type f -printf '%i %T@ %P\n' | sort > before
        $study
        find results -type f -printf '%i %T@ %P\n' | sort > after
        comm -23 before after > made-twice
        cp -a results mended
        """,
    )
    assert told.count("No space left on device. Make room on the disk") == 1, told
    assert "Traceback" not in told
    assert digests(study.folder / "full") == digests(study.folder / "early")
    assert digests(study.folder / "mended") == unbroken.digests(), again
    assert not (study.folder / "made-twice").read_text()


def test_a_full_disk_is_told_before_anything_runs(unstarted: Project, tmp_path: Path) -> None:
    study = unstarted.copy(tmp_path / "study")
    told, found = alone(
        study,
        """
        mkdir results
        mount -t tmpfs -o size=2m none results
        $study && exit 1
        echo "#next"
        ls results
        """,
    )
    assert told == f"no study can run here: {study.folder}/results: less than 4 MB left on its disk; make room there\n"
    assert not found


@pytest.mark.parametrize("folder", [".", "results", ".snakemake"])
def test_a_read_only_folder_is_told_before_anything_runs(unbroken: Project, tmp_path: Path, folder: str) -> None:
    study = unbroken.copy(tmp_path / "study")
    mounts = f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}; cd $PWD"
    (told,) = alone(study, f"{mounts}; $study && exit 1 || true")
    assert told.startswith(f"no study can run here: {(study.folder / folder).resolve()}: a study writes there"), told
    assert len(told.splitlines()) == 1
    assert study.digests() == unbroken.digests()
