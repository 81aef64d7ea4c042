"""Run Snakemake on the study in the current folder, one run at a time.

Snakemake's own lock outlives a killed run and must then be removed by hand. This one is held by the process: the
operating system drops it however the run ends, so that the same command simply goes on. All arguments are Snakemake's;
a ``--workflow-profile`` is laid over the default one.

SIGINT (Ctrl-C) and SIGTERM stop a run: its jobs on this machine end there and then, and what they had finished is in
their journals. Jobs on a cluster are Snakemake's to cancel (SIGINT) or to wait for (SIGTERM).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import folders
import slurm
from unripple.settings import parameters

#: The process with which jobs on this machine end: see scripts/faults.py.
RUN = "UNRIPPLE_RUN"
PARAMS = Path("params.yaml")
SNAKEMAKE = ("--nolock", "--profile", "workflow/profiles/default")
#: On a terminal, a bar below Snakemake's lines (``snakemake_logger_plugin_bar``); another ``--logger`` takes its place.
BAR = ("--logger", "bar")
#: Seconds for killed jobs to give their memory back, before a stopped run ends all the same.
ENDING = 1.0
#: Of Linux: what a process is sent when the one that started it has ended.
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


#: MB: a job that asks for more would never run.
LEAST_MEMORY = 5000


class Stopped(BaseException):
    """A signal has asked the run to stop; the one argument is its number."""


class Snakemake:
    """Snakemake in a process group of its own: signals, and what is typed on a terminal, reach the run alone.

    The run passes on what is meant.
    """

    def __init__(self, lock: TextIO) -> None:
        self._lock = lock
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: int | None = None
        #: Whether its jobs run on this machine.
        self.local = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGTSTP, self._pause)
        signal.signal(signal.SIGUSR1, self._finish)

    def run(self, arguments: list[str]) -> int:
        """Run it to its end; its exit status. Raises ``Stopped``."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=[self._lock.fileno()],  # It holds the lock as long as it lives.
            process_group=0,
            preexec_fn=_as_part_of_the_run,
        )
        try:
            status = self._process.wait()
        except Stopped:
            self._see_end()
            raise
        self._process = None
        if self._asked:
            raise Stopped(self._asked)
        return status if status >= 0 else 128 - status

    def _stop(self, number: int, _: object) -> None:
        if self._process is None:
            raise Stopped(number)
        if not self.local:
            self._asked = number
            self._process.send_signal(number)
            return
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        _signal(self._process.pid, signal.SIGKILL)
        raise Stopped(number)

    def _see_end(self) -> None:
        """Wait for Snakemake and its jobs, which were killed, so that the same command may follow at once."""
        if self._process:
            self._process.wait()
            deadline = time.monotonic() + ENDING
            while _signal(self._process.pid, 0) and time.monotonic() < deadline:
                time.sleep(0.02)

    def _pause(self, *_: object) -> None:
        """Ctrl-Z, and what follows when the run is continued."""
        if self._process:
            _signal(self._process.pid, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        if self._process:
            _signal(self._process.pid, signal.SIGCONT)

    def _finish(self, *_: object) -> None:
        """A job asks for no more jobs after those that run: see scripts/faults.py."""
        if self._process:
            self._process.terminate()


def main() -> None:
    try:
        study()
    except Stopped as stopped:
        bar_gone = "\r\x1b[K" if sys.stderr.isatty() else ""
        print(f"{bar_gone}stopped; the same command goes on", file=sys.stderr, flush=True)
        # A shell or make that waits for this process shall see that a signal ended it.
        signal.signal(stopped.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), stopped.args[0])


def study() -> None:
    try:
        folders.check_writable()
        lock = folders.take_lock()
        snakemake = Snakemake(lock)
        profile = for_place(sys.argv[1:])
        snakemake.local = RUN in os.environ
        arguments = [*(BAR if sys.stderr.isatty() else ()), *SNAKEMAKE, *profile, *sys.argv[1:]]
        folders.sweep()
    except OSError as error:
        sys.exit(f"no study can run here: {error}")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    check_settings(arguments)
    sys.exit(snakemake.run(arguments))


def check_settings(arguments: list[str]) -> None:
    """Exit where a file of settings cannot be read, with its line: Snakemake, which reads it next, names neither."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[], type=Path)
    given, _ = parser.parse_known_args(arguments)
    for file in (PARAMS, *given.configfile):
        try:
            parameters.read_file(file)
        except parameters.ConfigError as error:
            sys.exit(str(error))


def for_place(arguments: list[str]) -> list[str]:
    """What Snakemake must be told by where its jobs run; on Slurm, orphans of a killed run are cancelled."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--workflow-profile", type=Path)
    parser.add_argument("--slurm-status-command")
    parser.add_argument("--resources", "--res", nargs="+")
    given, _ = parser.parse_known_args(arguments)
    if given.workflow_profile is None or not slurm.is_slurm(given.workflow_profile):
        os.environ[RUN] = str(os.getpid())
        return [] if given.resources else ["--resources", f"mem_mb={memory()}"]
    os.environ.pop(RUN, None)
    if is_dry(arguments):
        return []
    orphans = slurm.cancel_orphans(Path.cwd())
    if orphans:
        print(f"cancelled jobs that an earlier run left on the cluster: {' '.join(orphans)}", flush=True)
    return [] if given.slurm_status_command else ["--slurm-status-command", slurm.status_command()]


def is_dry(arguments: list[str]) -> bool:
    """Whether Snakemake, with these arguments, only tells what it would do."""
    from snakemake.cli import get_argument_parser  # a second, which other runs need not wait for

    return get_argument_parser().parse_known_args(arguments)[0].dryrun


def memory() -> int:
    """What jobs that run side by side may use together, in MB: four fifths of what this machine has."""
    return max(LEAST_MEMORY, int(0.8 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6))


def _as_part_of_the_run() -> None:
    """In a new process: Snakemake may write to the terminal, and however the run ends, it does not go on alone.

    Elsewhere than on Linux it does, but its jobs end, and each that it starts then ends at once.
    """
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # with `stty tostop`, it would be stopped at its first line
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there is one."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main()
