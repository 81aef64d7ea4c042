"""``snakemake --logger bar``: Snakemake's own lines, and below them one bar over all its jobs.

A running job counts by the photos that it has done, which its log tells (``unripple.jobs.batches.Progress``). All the
rest are Snakemake's events, so that a run on a cluster has the same bar.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path
from typing import NoReturn

from snakemake.logging import ColorizingTextHandler, get_event
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm
from tqdm.contrib import DummyTqdmFile

#: Seconds between two looks at the logs.
EVERY = 1.0
#: A log's last lines are within so many bytes.
TAIL = 1000
PHOTOS = re.compile(rb"^(\d+) of (\d+) photos", re.MULTILINE)
BAR = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}<{remaining}]"


@dataclass
class Jobs:
    """What events have said: how many jobs there are, how many are done, and which run with which log."""

    total: int = 0
    done: int = 0
    running: dict[int, tuple[str, Path | None]] = field(default_factory=dict)

    def hear(self, record: LogRecord) -> None:
        """Take in an event of Snakemake."""
        told = record.__dict__
        match get_event(record):
            case LogEvent.RUN_INFO:
                self.total = told["stats"]["total"]
            case LogEvent.PROGRESS:
                self.done, self.total = told["done"], told["total"]
            case LogEvent.JOB_INFO:
                self.running[told["jobid"]] = told["rule_name"], Path(told["log"][0]) if told["log"] else None
            case LogEvent.JOB_FINISHED:
                self.running.pop(told["job_id"], None)
            case LogEvent.JOB_ERROR:
                self.running.pop(told["jobid"], None)

    def state(self) -> tuple[float, str]:
        """Jobs done, with fractions of those that run, and in words."""
        fractions, words = 0.0, []
        for rule, log in list(self.running.values()):
            done, photos = photos_in(log) if log else (0, 0)
            fractions += done / photos if photos else 0
            words.append(f"{rule} {done}/{photos} photos" if photos else rule)
        return self.done + fractions, ", ".join([f"{self.done}/{self.total} jobs", *words])


def photos_in(log: Path) -> tuple[int, int]:
    """How many photos a job has done, and of how many, by the last lines of its log; 0 of 0 where it tells nothing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            told = PHOTOS.findall(file.read())
    except OSError:  # it has not begun
        return 0, 0
    return (int(told[-1][0]), int(told[-1][1])) if told else (0, 0)


class LogHandler(LogHandlerBase, ColorizingTextHandler):  # type: ignore[misc] # Snakemake has no types
    """Writes lines as Snakemake does by itself. The bar is there once it has said how many jobs it will run."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        stream = sys.stdout if self.common_settings.stdout else sys.stderr
        ColorizingTextHandler.__init__(self, self.common_settings.nocolor, DummyTqdmFile(stream))
        self._jobs = Jobs()
        self._bar: tqdm[NoReturn] | None = None
        self._ended = threading.Event()
        self._drawing = threading.Thread(target=self._draw, daemon=True)

    def emit(self, record: LogRecord) -> None:
        try:
            self._jobs.hear(record)
            if self._bar is None and self._jobs.total and not self.common_settings.dryrun:
                self._bar = tqdm(bar_format=BAR, leave=False, disable=None)
                self._drawing.start()
        except Exception:  # a fault of the bar's takes no line from the user
            self.handleError(record)
        ColorizingTextHandler.emit(self, record)

    def close(self) -> None:
        self._ended.set()
        if self._bar is not None:
            self._drawing.join()
            self._bar.close()
        super().close()

    def _draw(self) -> None:
        assert self._bar is not None
        while not self._ended.is_set():
            self._bar.total = self._jobs.total
            self._bar.n, words = self._jobs.state()
            self._bar.set_description_str(words)
            self._ended.wait(EVERY)
