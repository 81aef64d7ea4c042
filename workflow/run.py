"""Run Snakemake on the study in the current folder, one run at a time.

Snakemake's own lock outlives a killed run and must then be removed by hand. This one is held by the process: the
operating system drops it however the run ends, so that the same command simply goes on. All arguments are Snakemake's.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

LOCK = Path(".snakemake/study.lock")
SNAKEMAKE = (sys.executable, "-m", "snakemake", "--nolock", "--workflow-profile", "workflow/profiles/default")


def main() -> None:
    LOCK.parent.mkdir(exist_ok=True)
    lock = LOCK.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        sys.exit(f"a study runs here already (process {lock.read().strip()}); wait for it or stop it")
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.set_inheritable(lock.fileno(), True)  # Snakemake takes this process over, and the lock with it.
    os.execv(sys.executable, [*SNAKEMAKE, *sys.argv[1:]])


if __name__ == "__main__":
    main()
