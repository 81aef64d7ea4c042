"""Reading and checking files of parameters, such as ``params.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from unripple.settings import yaml_file
from unripple.settings.study import Study
from unripple.settings.words import allowed, schema_at, shown


class ConfigError(ValueError):
    """A setting is wrong; the message names its key, its value and what is allowed."""


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read and check a parameter file.

    ``overrides`` is nested like the file and wins over it. Raises ``ConfigError``.
    """
    return check(read_file(path), str(path), overrides)


def read_file(path: Path) -> dict[str, Any]:
    """The sections of a parameter file, not checked yet. Raises ``ConfigError`` with the line of what is wrong."""
    try:
        return yaml_file.read_sections(path)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such parameter file; copy params.yaml and change the copy") from None
    except yaml_file.SettingsError as error:
        raise ConfigError(str(error)) from None


def check(settings: object, source: str, overrides: Mapping[str, Any] | None = None) -> Study:
    """Check settings that were read from ``source``. Raises ``ConfigError`` with one line for each wrong key."""
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{source}: expected sections such as 'ripple:', found {shown(settings)}")
    try:
        return Study.model_validate(_merged(settings, overrides or {}))
    except ValidationError as error:
        lines = [f"{source}: {_explained(detail)}" for detail in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged


def _explained(detail: ErrorDetails) -> str:
    if detail["type"] == "cross":
        return detail["msg"]
    location = tuple(part for part in detail["loc"] if part != "[key]")  # with which pydantic says: the name itself
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if detail["type"] == "extra_forbidden":
        parent = schema_at(detail["loc"][:-1])
        return f"{key}: unknown key; expected one of {', '.join(parent['properties'])}"
    expected = detail["msg"] if detail["type"] == "allowed" else allowed(schema_at(detail["loc"]))
    return f"{key} = {shown(detail['input'])}: expected {expected}"
