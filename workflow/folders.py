"""Before a run: its folders must take files, and what killed jobs left half-written goes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

RESULTS = Path("results")
#: Where a study writes.
WRITTEN = (Path(), Path(".snakemake"), RESULTS, Path("logs"))
#: With less space on a disk, in bytes, Snakemake could not even tell what is wrong.
LEAST = 4_000_000


def check_writable() -> None:
    """Raise ``OSError`` for a folder of the study in which nothing can be written, or on a full disk."""
    for folder in WRITTEN:
        if not folder.exists():
            continue
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder.resolve()}: a study writes there; it is read-only, or not this user's")
        if shutil.disk_usage(folder).free < LEAST:
            raise OSError(f"{folder.resolve()}: less than {LEAST // 1_000_000} MB left on its disk; make room there")


def sweep() -> None:
    """Remove the temporary files of jobs that were killed while they wrote (see ``unripple.files.atomic``)."""
    for folder, _, names in os.walk(RESULTS):
        for name in names:
            if name.startswith(".") and name.endswith(".tmp"):
                Path(folder, name).unlink(missing_ok=True)
