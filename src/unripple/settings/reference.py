"""The reference of all settings and their JSON schema, generated: ``python -m unripple.settings.reference``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from unripple.settings.study import Section, Study
from unripple.settings.words import allowed, schema_at, shown

DOCS = Path("docs/configuration.md")
SCHEMA = Path("workflow/schema/params.schema.json")


def schema_text() -> str:
    """The JSON schema of ``params.yaml``, for editors that complete and check it."""
    return json.dumps(Study.model_json_schema(), indent=2, sort_keys=True) + "\n"


def reference_text() -> str:
    """The reference of all settings as a Markdown page."""
    lines = [
        "# Settings",
        "",
        "Generated from the models in `src/unripple/settings/study.py` by `make docs`; do not edit.",
        "",
        "| Key | Default | Allowed | Meaning |",
        "| --- | --- | --- | --- |",
    ]
    for name, field in Study.model_fields.items():
        if isinstance(field.default, Section):
            section = type(field.default)
            lines.append(f"| **`{name}`** | | | **{(section.__doc__ or '').strip()}** |")
            lines += [_reference_row(name, key) for key in section.model_fields]
        else:
            lines.append(_reference_row(name))
    return "\n".join(lines) + "\n"


def _reference_row(*key: str) -> str:
    schema = schema_at(key)
    return f"| `{'.'.join(key)}` | `{shown(schema['default'])}` | {allowed(schema)} | {schema['description']} |"


def main() -> None:
    """Write the generated files into the project in the current folder."""
    for path, text in ((SCHEMA, schema_text()), (DOCS, reference_text())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
