"""``snakemake --logger jobs --logger-jobs-file FILE``: the jobs that a run announces, a line of JSON each.

Beside Snakemake's own lines, not in their place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Of the command line."""

    file: str | None = field(default=None, metadata={"help": "Where to write the jobs.", "type": str, "required": True})


class LogHandler(LogHandlerBase):
    """Writes ``{"rule": …, "input": […], "output": […], "wildcards": {…}, "resources": {…}}`` for each job."""

    writes_to_stream = False
    writes_to_file = False  # it has no log that Snakemake could name to the user
    has_filter = True  # none: also with --quiet, every job is told
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: LogRecord) -> None:
        told = record.__dict__
        if told.get("event") != LogEvent.JOB_INFO:
            return
        job = {"rule": told["rule_name"], "input": told["input"], "output": told["output"]}
        job |= {part: dict(told[part].items()) for part in ("wildcards", "resources")}
        assert isinstance(self.settings, LogHandlerSettings) and self.settings.file is not None
        with Path(self.settings.file).open("a", encoding="utf-8") as file:
            print(json.dumps(job, default=str), file=file)
