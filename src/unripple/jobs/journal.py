"""Journals: which photos a job has finished so far, so that the same job, started again, does not make them twice.

A journal lies beside the index that the job will write and is gone once that is written. Its first line is the job's
record; each further line is a photo with its files, appended when they are on disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unripple.files.checksum import sha256

#: File name -> ``{"bytes": size, "sha256": checksum}``.
Files = dict[str, dict[str, Any]]


def path_of(index: Path) -> Path:
    """The journal of the job that writes an index."""
    return index.with_suffix(".journal")


def facts(path: Path) -> dict[str, Any]:
    """What an index keeps of a file."""
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def start(index: Path, record: Mapping[str, Any] | None, finished: Mapping[str, Files]) -> None:
    """Begin a journal anew, with what is finished already."""
    lines: list[dict[str, Any]] = [
        {"record": record},
        *({"photo": photo, "files": files} for photo, files in finished.items()),
    ]
    index.parent.mkdir(parents=True, exist_ok=True)
    temporary = path_of(index).with_name(f".{path_of(index).name}.tmp")
    temporary.write_bytes(b"".join(_line(entry) for entry in lines))
    temporary.replace(path_of(index))


def note(index: Path, photo: str, files: Files) -> None:
    """Append a finished photo; one write, so that threads do not mix their lines."""
    with path_of(index).open("ab", buffering=0) as journal:
        journal.write(_line({"photo": photo, "files": files}))


def finished(index: Path, record: Mapping[str, Any] | None) -> dict[str, Files]:
    """The photos that a job of an equal record has finished and whose files are still whole."""
    try:
        lines = path_of(index).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    first, *others = [entry for entry in map(_entry, lines) if entry] or [{}]
    if first != {"record": _as_read(record)}:
        return {}
    photos = {entry["photo"]: entry["files"] for entry in others}
    return {photo: files for photo, files in photos.items() if _whole(index.parent, files)}


def _whole(folder: Path, files: Files) -> bool:
    return all((folder / name).is_file() and facts(folder / name) == expected for name, expected in files.items())


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True).encode() + b"\n"


def _entry(line: bytes) -> dict[str, Any]:
    """A line of a journal; empty for one that a killed job did not finish."""
    try:
        return json.loads(line)
    except ValueError:
        return {}


def _as_read(record: Mapping[str, Any] | None) -> Any:
    return json.loads(json.dumps(record))
