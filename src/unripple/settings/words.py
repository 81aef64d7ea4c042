"""Settings in words: a value as a user would write it, and what a setting allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from unripple.settings.study import Study


def shown(value: object) -> str:
    """A value as a user would write it in YAML, on one line and not too long."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    text = text.removesuffix("...\n").strip()
    return text if len(text) <= 80 else text[:77] + "..."


def schema_at(location: tuple[int | str, ...]) -> dict[str, Any]:
    """The JSON schema of the setting at a pydantic error location."""
    whole = Study.model_json_schema()
    here: dict[str, Any] = whole
    for part in location:
        if isinstance(part, int):
            here = here["items"]
        else:  # a key of a section, or any name, as those of `external`
            here = here["properties"][part] if "properties" in here else here["additionalProperties"]
        if "$ref" in here:
            here = whole["$defs"][here["$ref"].rsplit("/", 1)[1]]
    return here


def allowed(schema: Mapping[str, Any]) -> str:
    """What a JSON schema allows, in words."""
    if "anyOf" in schema:
        return " or ".join(allowed(one) for one in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type", "object")
    if kind == "boolean":
        return "true or false"
    if kind == "object" and "additionalProperties" in schema and "properties" not in schema:
        return f"names, each with {allowed(schema['additionalProperties'])}"
    if kind == "object":
        return "a section with the keys " + ", ".join(schema.get("properties", {}))
    if kind == "array":
        length = " (not empty)" if schema.get("minItems") else ""
        length += f" of at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"a list{length}, each {allowed(schema['items'])}"
    words = {"integer": "an integer", "number": "a number", "string": "a text (not empty)"}[kind]
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {shown(schema[name])}" for name, sign in bounds.items() if name in schema]
    return " ".join([words, " and ".join(limits)]).strip()
