"""Reading files of settings: YAML, with the line of what is wrong. A key that is there twice is refused, too, where
YAML's own reader forgets the first."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml


class SettingsError(ValueError):
    """A file of settings cannot be read; the message names it and the line."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        first: dict[Any, int] = {}
        for name, _ in node.value:
            line = name.start_mark.line + 1
            if isinstance(name, yaml.ScalarNode) and name.tag != "tag:yaml.org,2002:merge":
                if name.value in first:
                    raise SettingsError(
                        f"line {line}: '{name.value}' is there a second time, first in line {first[name.value]};"
                        " expected each key once: join them"
                    )
                first[name.value] = line
        return super().construct_mapping(node, deep)


def read(path: Path) -> Any:
    """What a YAML file holds; None for an empty one.

    Raises ``FileNotFoundError``, and ``SettingsError`` with file, line, what was expected and what was found.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return yaml.load(text, _Loader)
    except SettingsError as error:
        raise SettingsError(f"{path}, {error}") from None
    except yaml.MarkedYAMLError as error:
        raise SettingsError(_told(path, text, error)) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: expected YAML as text in UTF-8, found other bytes") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None


def read_sections(path: Path) -> dict[str, Any]:
    """A file like ``params.yaml``: sections by name; none for an empty file. Raises as `read`."""
    found = read(path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        shown = str(found) if len(str(found)) <= 60 else f"{str(found)[:57]}..."
        raise SettingsError(f"{path}, line 1: expected sections such as 'ripple:', found {shown}")
    return found


def _told(path: Path, text: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"{path}: not readable as YAML: {error.problem}"
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line:
        return f"{path}, line {mark.line + 1}: expected spaces, found a tab; indent with spaces"
    return f"{path}, line {mark.line + 1}: not readable as YAML: {error.problem}; found '{line.strip()[:60]}'"
