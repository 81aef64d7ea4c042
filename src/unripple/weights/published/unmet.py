"""Which converted files a study with the published models needs, and which of them are there. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from unripple.settings.attributes import is_named
from unripple.settings.inpainters import WEIGHTLESS
from unripple.settings.study import Study
from unripple.weights.roles import HELD_BY, Role, converted_file


class Need(NamedTuple):
    """A file, by its role; of the directions also the attribute that must be in it."""

    role: Role
    attribute: str | None = None


def unmet(models: Path, studies: Sequence[Study]) -> list[Need]:
    """What is not there. ``models``: folder of the converted files; ``studies``: with all settings to be run."""
    return [need for need in _needs(studies) if not _is_met(need, converted_file(models, need.role))]


def _needs(studies: Sequence[Study]) -> Iterator[Need]:
    for role in dict.fromkeys(HELD_BY.values()):
        if role == "directions":
            named = dict.fromkeys(study.edit.attribute for study in studies if is_named(study.edit.attribute))
            yield from (Need(role, attribute) for attribute in named)
        elif role != "inpainter" or any(study.inpaint.model not in WEIGHTLESS for study in studies):
            yield Need(role)
    if any(study.invert.method == "psp" for study in studies):
        yield Need("psp")


def _is_met(need: Need, file: Path) -> bool:
    if need.attribute is None or not file.is_file():
        return file.is_file()
    try:
        with safe_open(file, framework="np") as directions:
            return need.attribute in directions.keys()  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError):
        return False  # damaged: it is converted anew
