"""Damaged results: files that an index or a record lists, but that are gone or changed.

Snakemake sees the index of a job alone, so it is `unripple verify` that looks for them. Standard library only:
`unripple.jobs.provenance`, and with it every job, waits for this.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from unripple.jobs import journal
from unripple.jobs.journal import Files


def find(results: Path) -> tuple[int, dict[Path, list[str]]]:
    """How many files the indexes and records below a folder list; those of them with damage -> what is wrong, a line
    for each file."""
    count, found = 0, {}
    for path in sorted(results.rglob("*.json")):
        try:
            files = listed(read(path))
        except ValueError:
            found[path] = [f"{path}: not readable as an index"]
            continue
        count += len(files)
        if wrong := [line for name, facts in sorted(files.items()) if (line := differs(path.parent / name, facts))]:
            found[path] = wrong
    return count, found


def differs(path: Path, expected: Mapping[str, Any]) -> str:
    """How a file differs from what an index or a record keeps of it; empty if it does not."""
    found = journal.facts(path)["sha256"] if path.is_file() else "no file"
    return "" if found == expected["sha256"] else f"{path}: expected sha256 {expected['sha256']}, found {found}"


def unfinished(results: Path) -> set[Path]:
    """The indexes of jobs that were stopped on their way to them."""
    indexes = (path.with_suffix(".json") for path in results.rglob("*.journal"))
    return {index for index in indexes if not index.exists()}


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


def levels(damaged: Collection[Path]) -> Iterator[list[Path]]:
    """Damaged indexes in the order in which they are to be made: none depends on another of its level or a later one.

    Made level by level, the jobs between two of them need not run again.
    """
    order = TopologicalSorter({path: _before(path).intersection(damaged) - {path} for path in damaged})
    order.prepare()
    while order.is_active():
        level = order.get_ready()
        yield sorted(level)
        order.done(*level)


def keep_whole(index: Path) -> None:
    """Leave a journal of the photos of a damaged index that are whole, for the job that makes it anew."""
    try:
        content = read(index)
    except (FileNotFoundError, ValueError):
        return  # a journal that is there already may still hold some
    if "made" in content:
        journal.start(index, content["record"], content["made"])


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
