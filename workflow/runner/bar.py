"""Snakemake on a terminal: its lines as they come, and below them one bar over all its jobs.

A running job counts by the photos that it has done, which its log tells (``unripple.jobs.batches.Progress``). All the
rest is in what Snakemake prints, so that a run on a cluster has the same bar.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

#: Seconds between two looks at the logs.
EVERY = 1.0
#: A log's last lines are within so many bytes.
TAIL = 1000
PHOTOS = re.compile(rb"^(\d+) of (\d+) photos", re.MULTILINE)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BAR = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}<{remaining}]"


@dataclass
class Jobs:
    """What Snakemake has said of its jobs: how many there are, how many are done, and which run with which logs."""

    total: int = 0
    done: int = 0
    running: dict[str, tuple[str, Path]] = field(default_factory=dict)
    _rule: str = ""
    _log: Path = Path()

    def hear(self, line: str) -> None:
        """Take in one line of what Snakemake prints."""
        if found := re.match(r"total +(\d+)$", line):
            self.total = int(found[1])
        elif found := re.match(r"(\d+) of (\d+) steps", line):
            self.done, self.total = int(found[1]), int(found[2])
        elif found := re.match(r"(?:Error in )?(?:local)?(?:rule|checkpoint) (\w+)\b.*:$", line):
            self._rule, self._log = ("" if line.startswith("Error") else found[1]), Path()
        elif found := re.match(r"    log: ([^,]+?)(?:,| \(|$)", line):
            self._log = Path(found[1])
        elif found := re.match(r"    jobid: (\d+)$", line):
            self.running.pop(found[1], None)
            if self._rule:
                self.running[found[1]] = (self._rule, self._log)
        elif found := re.match(r"Finished jobid: (\d+)", line):
            self.running.pop(found[1], None)

    def state(self) -> tuple[float, str]:
        """Jobs done, with fractions of those that run, and in words."""
        fractions, words = 0.0, []
        for rule, log in list(self.running.values()):
            done, photos = photos_in(log)
            fractions += done / photos if photos else 0
            words.append(f"{rule} {done}/{photos} photos" if photos else rule)
        return self.done + fractions, ", ".join([f"{self.done}/{self.total} jobs", *words])


def photos_in(log: Path) -> tuple[int, int]:
    """How many photos a job has done, and of how many, by the last lines of its log; 0 of 0 where it tells nothing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            told = PHOTOS.findall(file.read())
    except OSError:  # it has not begun, or has no log
        return 0, 0
    return (int(told[-1][0]), int(told[-1][1])) if told else (0, 0)


def run(start: Callable[[int], subprocess.Popen[bytes]]) -> int:
    """Run Snakemake, print what it prints and draw the bar; its exit status.

    ``start`` starts it with its output in the terminal of a file descriptor: one of its own, so that it keeps its
    colours.
    """
    ours, its = pty.openpty()
    process = start(its)
    os.close(its)
    jobs = Jobs()
    with tqdm(bar_format=BAR, leave=False) as bar:
        listener = threading.Thread(target=_listen, args=(ours, jobs, bar), daemon=True)
        listener.start()
        try:
            while process.poll() is None:
                listener.join(EVERY)
                bar.total = jobs.total or None
                bar.n, words = jobs.state()
                bar.set_description_str(words)
        finally:
            listener.join(EVERY)
    return process.returncode


def _listen(terminal: int, jobs: Jobs, bar: tqdm[NoReturn]) -> None:
    with os.fdopen(terminal, errors="replace") as printed, suppress(OSError):  # how Linux says that it is closed
        for line in printed:
            bar.write(line.rstrip())
            jobs.hear(COLOURS.sub("", line.rstrip()))
