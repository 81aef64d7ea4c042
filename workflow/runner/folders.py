"""Before a run: its folders must take files, and no other run may be at work in them; what killed jobs left
half-written is removed.

Standard library only: `make clean` needs no environment.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TextIO

RESULTS = Path("results")
#: Where a study writes.
WRITTEN = (Path(), Path(".snakemake"), RESULTS, Path("logs"))
#: With less space on a disk, in bytes, Snakemake could not even tell what is wrong.
LEAST = 4_000_000
#: Names the process that must be stopped to end the run, and is locked as long as it lives.
LOCK = Path(".snakemake/study.lock")
#: Seconds within which the Snakemake of a killed run has ended, too.
ENDING = 1.0


def check_writable() -> None:
    """Raise ``OSError`` for a folder of the study in which nothing can be written, or on a full disk."""
    for folder in WRITTEN:
        if not folder.exists():
            continue
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder.resolve()}: a study writes there; it is read-only, or not this user's")
        if shutil.disk_usage(folder).free < LEAST:
            raise OSError(f"{folder.resolve()}: less than {LEAST // 1_000_000} MB left on its disk; make room there")


def take_lock() -> TextIO:
    """The lock of this folder. Exits where another run holds it, and says who."""
    LOCK.parent.mkdir(exist_ok=True)
    lock = LOCK.open("a+")
    deadline = time.monotonic() + ENDING
    while not _locked(lock):
        if time.monotonic() > deadline:
            lock.seek(0)
            sys.exit(f"a study runs here already (process {lock.read().strip()}); wait for it or stop it")
        time.sleep(0.1)
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sweep() -> None:
    """Remove the temporary files of jobs that were killed while they wrote (see ``unripple.files.atomic``)."""
    for folder, _, names in os.walk(RESULTS):
        for name in names:
            if name.startswith(".") and name.endswith(".tmp"):
                Path(folder, name).unlink(missing_ok=True)
