"""Run Snakemake on the study in the current folder, one run at a time.

Snakemake's own lock outlives a killed run and must then be removed by hand. This one is held by the process: the
operating system drops it however the run ends, so that the same command simply goes on. All arguments are Snakemake's;
a ``--workflow-profile`` is laid over the default one.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import bar
import folders
import restore
import slurm

LOCK = Path(".snakemake/study.lock")
#: The process with which jobs on this machine end: see scripts/faults.py.
RUN = "UNRIPPLE_RUN"
SNAKEMAKE = ("--nolock", "--profile", "workflow/profiles/default")


def main() -> None:
    try:
        folders.check_writable()
        lock = take_lock()
        arguments = [*SNAKEMAKE, *for_slurm(sys.argv[1:]), *sys.argv[1:]]
        folders.sweep()
    except OSError as error:
        sys.exit(f"no study can run here: {error}")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.set_inheritable(lock.fileno(), True)  # Snakemake takes this process over, and the lock with it.
    restore.damaged_results(arguments, lambda more: as_child(lock, more))
    command = [sys.executable, "-m", "snakemake", *arguments]
    if sys.stdout.isatty() and sys.stderr.isatty():
        sys.exit(bar.run(command, become_run, lambda process: hold(lock, process)))
    os.execv(sys.executable, command)


def take_lock() -> TextIO:
    """The lock of this folder. Exits where another run holds it, and says who."""
    LOCK.parent.mkdir(exist_ok=True)
    lock = LOCK.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        sys.exit(f"a study runs here already (process {lock.read().strip()}); wait for it or stop it")
    hold(lock, os.getpid())
    return lock


def hold(lock: TextIO, process: int) -> None:
    """Write into the lock which process must be stopped to end the run."""
    lock.truncate(0)
    lock.write(f"{process}\n")
    lock.flush()


def become_run() -> None:
    """In a new process that becomes Snakemake: jobs end with it."""
    if RUN in os.environ:
        os.environ[RUN] = str(os.getpid())


def as_child(lock: TextIO, arguments: list[str]) -> None:
    """Run Snakemake before the run proper; it holds the lock as long as it lives. Exits where it fails."""
    process = subprocess.Popen([sys.executable, "-m", "snakemake", *arguments], pass_fds=[lock.fileno()])
    hold(lock, process.pid)
    try:
        status = process.wait()
    except KeyboardInterrupt:  # which Snakemake got, too
        status = process.wait()
    hold(lock, os.getpid())
    if status:
        sys.exit(status)


def for_slurm(arguments: list[str]) -> list[str]:
    """What Snakemake must be told where the profile submits to Slurm; orphans of a killed run are cancelled."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--workflow-profile", type=Path)
    parser.add_argument("--slurm-status-command")
    given, _ = parser.parse_known_args(arguments)
    if given.workflow_profile is None or not slurm.is_slurm(given.workflow_profile):
        os.environ[RUN] = str(os.getpid())
        return []
    if restore.is_dry(arguments):
        return []
    orphans = slurm.cancel_orphans(Path.cwd())
    if orphans:
        print(f"cancelled jobs that an earlier run left on the cluster: {' '.join(orphans)}", flush=True)
    return [] if given.slurm_status_command else ["--slurm-status-command", slurm.status_command()]


if __name__ == "__main__":
    main()
