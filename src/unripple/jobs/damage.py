"""Damaged results: files that an index or a record lists, but that are gone or have another size.

Snakemake sees the index of a job alone. So every run looks at all files that indexes list before Snakemake starts:
their presence and size, which takes seconds for 170,000 pictures (``unripple verify`` compares contents). Standard
library only: the start of every run waits for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from unripple.jobs import journal
from unripple.jobs.journal import Files


def find(results: Path) -> dict[Path, list[str]]:
    """The indexes and records below a folder whose files are damaged -> those files' names, none if it is itself."""
    found: dict[Path, list[str]] = {}
    for folder, sizes in _folders(results):
        for path in (Path(folder, name) for name in sizes if name.endswith(".json")):
            try:
                files = listed(read(path))
            except ValueError:
                found[path] = []
            else:
                broken = [name for name, facts in files.items() if _size(folder, name, sizes) != facts["bytes"]]
                if broken:
                    found[path] = sorted(broken)
    return dict(sorted(found.items()))


def read(path: Path) -> dict[str, Any]:
    """The content of a JSON file, empty if it is no mapping. Raises ``ValueError`` if it is not JSON."""
    content = json.loads(path.read_bytes())
    return content if isinstance(content, dict) else {}


def listed(content: dict[str, Any]) -> Files:
    """The files that an index (by photo) or a record (as results) lists; none in any other content.

    Raises ``ValueError`` for one of a version that kept other facts of a file.
    """
    if "record" not in content:
        return {}
    made = [content.get("results", {}), *content.get("made", {}).values()]
    if not all(isinstance(files, dict) and all(map(_is_facts, files.values())) for files in made):
        raise ValueError("expected the size and checksum of each file, found an index of another version")
    return {name: facts for files in made for name, facts in files.items()}


def _is_facts(facts: object) -> bool:
    return isinstance(facts, dict) and facts.keys() == {"bytes", "sha256"}


def teller(name: str) -> Path:
    """The index or record that tells of a file which a job read: itself, or what lies beside it, by its name or for
    the whole folder."""
    if name.endswith(".json"):
        return Path(name)
    own = Path(name).with_suffix(".record.json")
    return own if own.is_file() else own.with_name("record.json")


def levels(damaged: Iterable[Path]) -> list[list[Path]]:
    """Damaged indexes in the order in which they are to be made: none depends on another of its level or a later one.

    Made level by level, the jobs between two of them need not run again.
    """
    left, ordered = set(damaged), []
    before = {path: _before(path) for path in left}
    while left:
        level = sorted(path for path in left if before[path].isdisjoint(left)) or sorted(left)
        ordered.append(level)
        left.difference_update(level)
    return ordered


def keep_whole(index: Path) -> None:
    """Leave a journal of the photos of a damaged index that are whole, for the job that makes it anew."""
    try:
        content = read(index)
    except (FileNotFoundError, ValueError):
        return  # a journal that is there already may still hold some
    if "made" in content:
        journal.start(index, content["record"], content["made"])


def _folders(results: Path) -> Iterator[tuple[str, dict[str, os.DirEntry[str]]]]:
    """Every folder with its files."""
    waiting = [str(results)] if results.is_dir() else []
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as entries:
            inside = list(entries)
        waiting += [entry.path for entry in inside if entry.is_dir(follow_symlinks=False)]
        yield folder, {entry.name: entry for entry in inside if entry.is_file()}


def _size(folder: str, name: str, files: dict[str, os.DirEntry[str]]) -> int:
    """The size of a listed file, which lies in the folder or below it; -1 if it is absent."""
    if name in files:
        return files[name].stat().st_size
    path = Path(folder, name)
    return path.stat().st_size if path.is_file() else -1


def _before(path: Path) -> set[Path]:
    """All indexes and records on which one depends."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        try:
            inputs = read(waiting.pop()).get("record", {}).get("inputs", ())
        except (OSError, ValueError):
            continue
        new = set(map(teller, inputs)) - found
        found |= new
        waiting += new
    return found
