"""How each picture was made: stages in order, with their settings and networks, from the records beside the results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from unripple.jobs import index, provenance
from unripple.jobs.provenance import Step

#: Settings that differ from picture to picture and are shown beside it.
_SHOWN_ELSEWHERE = ("degree",)


@dataclass
class Recipes:
    """The different ways in which pictures were made, numbered; most pictures of a method share one.

    ``indexes``: the index files of all pictures; ``networks``: role -> the network in it.
    """

    indexes: Iterable[Path]
    networks: Mapping[str, str]
    found: list[list[dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._steps: dict[Path, Step] = {}
        self._numbers: dict[str, int] = {}
        self._where = {(file.parent, photo): file for file in self.indexes for photo in index.read(file)}

    def number(self, picture: Path, photo: str) -> int | None:
        """The place in ``found`` of the way in which a picture of a photo was made; None where no index tells."""
        file = self._where.get((picture.parent, photo))
        if file is None:
            return None
        recipe = list(self._recipe(provenance.chain(file, self._steps), photo))
        key = json.dumps(recipe, sort_keys=True)
        if key not in self._numbers:
            self._numbers[key] = len(self.found)
            self.found.append(recipe)
        return self._numbers[key]

    def _recipe(self, last: Step, photo: str) -> Iterator[dict[str, Any]]:
        """The stages of a photo, the first of them first, each with the settings that no earlier one has."""
        told: set[str] = set()
        for step in _in_order(last, photo):
            settings = dict(_flat(step.record["settings"]))
            yield {
                "stage": step.record["stage"],
                "settings": {key: value for key, value in settings.items() if key not in told},
                "networks": self._named(step.record["weights"]),
                "code": step.record["code"],
            }
            told |= settings.keys()

    def _named(self, weights: Mapping[str, str]) -> list[str]:
        """The networks behind weight files, each with the start of its checksum."""
        named = []
        for file, checksum in sorted(weights.items()):
            role = PurePath(file).stem
            network = f"{self.networks[role]} ({role}, " if role in self.networks else f"{role} ("
            named.append(f"{network}sha256 {checksum[:8]}…)")
        return named


def _in_order(last: Step, photo: str) -> list[Step]:
    """A step and those before it that a photo went through, each after what it needs."""
    ordered: dict[Path, Step] = {}

    def visit(step: Step) -> None:
        photos = _photos(step.file)
        if step.file not in ordered and (photos is None or photo in photos):
            for before in step.before:
                visit(before)
            ordered[step.file] = step

    visit(last)
    return list(ordered.values())


@cache
def _photos(file: Path) -> frozenset[str] | None:
    """The photos of an index; None for the record of a job that has none, for example of the sampled codes."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return frozenset(content["made"]) if "made" in content else None


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings as text; what a stage was given as a group is listed one by one."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        elif key not in _SHOWN_ELSEWHERE:
            yield key, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
