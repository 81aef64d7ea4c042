"""Where the tables and the page of the study that ran last are, from the summary that it leaves in ``results``."""

from __future__ import annotations

import re
from pathlib import Path

SUMMARY = Path("results/summary.txt")


class NoStudy(FileNotFoundError):
    """No study has finished here; the message says what to do."""


def places() -> dict[str, Path]:
    """``page``, ``overview`` and ``table`` (the summary; ``metrics.csv`` lies beside it). Raises ``NoStudy``."""
    text = SUMMARY.read_text(encoding="utf-8") if SUMMARY.is_file() else ""
    found = {name.lower(): Path(path) for name, path in re.findall(r"^(\w+): +(results/.+)$", text, re.MULTILINE)}
    if not {"page", "overview", "table"} <= found.keys():
        raise NoStudy(f"{SUMMARY}: expected the summary of a finished study, found none; run `make study` first")
    return found
