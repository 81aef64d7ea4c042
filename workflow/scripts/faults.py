"""How a job ends when the run that started it is gone, or when the disk takes nothing more."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

#: The process that runs the study on this machine (set by workflow/runner/run.py, not on a cluster).
RUN = "UNRIPPLE_RUN"
#: Seconds between two looks at the run.
EVERY = 0.5
#: Faults of the disk: no photo is to blame, and every other job would meet them, too.
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def end_with_run() -> None:
    """End this job when its run is gone: a run that was killed outright could not stop it, and the next one goes on
    where this job was."""
    run = os.environ.get(RUN)
    if run is None:
        return
    if not _alive(int(run)):
        os._exit(1)
    threading.Thread(target=_watch, args=(int(run),), daemon=True).start()


def tell_disk_faults(terminal: int) -> None:
    """A disk that takes nothing is one message, not a traceback; and the run starts no more jobs.

    The message goes into the log, or to the file descriptor ``terminal`` if that lies on the same disk.
    """

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not (isinstance(error, OSError) and error.errno in DISK):
            sys.__excepthook__(kind, error, trace)
            return
        message = (
            f"{error.filename or Path.cwd()}: {error.strerror}. Make room on the disk, or let this user write there,"
            " and run the same command again: what is finished stays.\n"
        ).encode(errors="backslashreplace")
        try:
            os.write(sys.stderr.fileno(), message)
            os.fsync(sys.stderr.fileno())
        except OSError:
            os.write(terminal, message)
        if RUN in os.environ:
            os.kill(int(os.environ[RUN]), signal.SIGUSR1)  # Snakemake then ends with the jobs that run.

    sys.excepthook = tell


def _watch(run: int) -> None:
    while _alive(run):
        time.sleep(EVERY)
    os._exit(1)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # It is somebody's.
        return True
    return True
