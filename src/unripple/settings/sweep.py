"""Settings side by side: a file with several values for some settings, expanded to every combination."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from unripple.settings import yaml_file
from unripple.settings.columns import BY_KEY, TO_TRUTH
from unripple.settings.parameters import ConfigError, check
from unripple.settings.study import Method, Study

#: Sections whose settings may differ within one run: those that the paths of results spell.
SECTIONS = ("images", "invert", "edit", "compute", "parse", "ripple", "inpaint", "layered", "composite")
#: The one among them that no path spells, since it changes no more than last digits.
UNSPELLED = "compute.deterministic"
#: More combinations than this are a mistake rather than a comparison.
MOST = 500
RANGE = {"from", "to", "step"}
#: Methods that clean an edit, and so are ranked.
CLEANING = {*get_args(Method)} - {"e4e", "hfgi"}


@dataclass(frozen=True)
class Combination:
    """One setting of each: ``values["ripple.dilate"] = 8`` and so on, and the whole study with them."""

    values: dict[str, Any]
    study: Study

    @property
    def label(self) -> str:
        """The values in words: ``ripple.operation=xor, ripple.dilate=8``."""
        return ", ".join(f"{key}={_short(value)}" for key, value in self.values.items())


def load(path: Path, base: Mapping[str, Any]) -> list[Combination]:
    """Every combination of the alternatives in a file, over the settings of a study.

    A file holds sections as ``params.yaml`` does; a setting has a list of alternatives or a range ``{from, to,
    step}`` that contains both ends. Raises ``ConfigError`` that names the file and every wrong setting.
    """
    try:
        content = yaml_file.read_sections(path)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file of settings to compare") from None
    except yaml_file.SettingsError as error:
        raise ConfigError(str(error)) from None
    alternatives = dict(_alternatives(path, content))
    if not alternatives:
        raise ConfigError(f"{path}: expected at least one setting with a list of values, found none")
    count = 1
    for values in alternatives.values():
        count *= len(values)
    if count > MOST:
        raise ConfigError(f"{path}: {count} combinations, at most {MOST} can be compared in one run; leave some out")
    combinations, wrong = [], []
    for picked in itertools.product(*alternatives.values()):
        one: dict[str, Any] = dict(zip(alternatives, picked, strict=True))
        try:
            combinations.append(Combination(one, check(base, str(path), _nested(one))))
        except ConfigError as error:
            wrong += str(error).splitlines()
    if wrong:
        raise ConfigError("\n".join(dict.fromkeys(wrong)))
    _refuse_unrankable(path, combinations)
    return combinations


def _refuse_unrankable(path: Path, combinations: list[Combination]) -> None:
    """Settings are ranked over the pictures that all of them have: same attribute, same degrees."""
    attributes = {one.study.edit.attribute for one in combinations}
    if len(attributes) > 1:
        raise ConfigError(
            f"{path}: edit.attribute = {sorted(attributes)}: expected one attribute, since settings are ranked over"
            " the same pictures; compare each attribute in a run of its own"
        )
    if not set.intersection(*(set(one.study.edit.degrees) for one in combinations)):
        raise ConfigError(
            f"{path}: edit.degrees: expected lists with a degree in common, since settings are ranked over the"
            " pictures that all of them have, found none; compare each list in a run of its own"
        )
    study = combinations[0].study
    if not set(study.methods) & CLEANING:
        raise ConfigError(
            f"{path}: methods = {study.methods}: expected one that is ranked, {', '.join(sorted(CLEANING))}, found none"
        )
    known, rank = study.study.known_plate > 0, study.metrics.rank
    if not known and (rank in TO_TRUTH or not BY_KEY[rank].aim(known)):
        raise ConfigError(
            f"{path}: metrics.rank = {rank} compares with the true edit, which only known-plate portraits"
            " have: expected study.known_plate above 0, or another metric"
        )
    if not BY_KEY[rank].aim(known):
        raise ConfigError(
            f"{path}: metrics.rank = {rank} says nothing of which is better where the true edit is known, as of"
            " known-plate portraits: expected a metric that compares with it, such as psnr_person or psnr_background"
        )


def _alternatives(path: Path, content: object) -> Iterator[tuple[str, list[Any]]]:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path}: expected sections such as 'ripple:', found {content!r}")
    for section, settings in content.items():
        if section not in SECTIONS:
            raise ConfigError(f"{path}: {section}: cannot differ within one run; settings of {', '.join(SECTIONS)} can")
        if not isinstance(settings, Mapping):
            raise ConfigError(f"{path}: {section}: expected settings with lists of values, found {settings!r}")
        for key, values in settings.items():
            name = f"{section}.{key}"
            if name == UNSPELLED:
                raise ConfigError(f"{path}: {name}: cannot differ within one run")
            if isinstance(values, Mapping):
                values = _range(path, name, values)
            if not isinstance(values, list) or not values:
                raise ConfigError(
                    f"{path}: {name} = {values!r}: expected a list of values, or a range {{from: a, to: b, step: c}}"
                )
            if any(value in values[:number] for number, value in enumerate(values)):
                raise ConfigError(f"{path}: {name} = {values!r}: expected a list without repeats")
            yield name, values


def _range(path: Path, name: str, ends: Mapping[str, Any]) -> list[int | float]:
    numbers = [ends.get(key) for key in ("from", "to", "step")]
    if set(ends) != RANGE or not all(isinstance(number, int | float) for number in numbers):
        raise ConfigError(f"{path}: {name}: expected a range with three numbers from, to and step, found {dict(ends)}")
    first, last, step = (Decimal(str(number)) for number in numbers)
    if step <= 0 or last < first:
        raise ConfigError(f"{path}: {name}: expected from <= to and step > 0, found {dict(ends)}")
    found = [first + step * number for number in range(int((last - first) / step) + 1)]
    whole = all(isinstance(number, int) for number in numbers)
    return [int(number) if whole else float(number) for number in found]


def _nested(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, key = name.split(".", 1)
        nested.setdefault(section, {})[key] = value
    return nested


def _short(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
