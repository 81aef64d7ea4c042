"""Changes of source files as a programmer makes them, for tests of what they re-run."""

from __future__ import annotations

import ast
from pathlib import Path


def change_function(path: Path, name: str) -> None:
    """Let a function (``"f"``) or a method (``"Class.f"``) do one thing more, before its last statement."""
    text = path.read_text(encoding="utf-8")
    scope: ast.AST = ast.parse(text)
    for part in name.split("."):
        scope = next(node for node in ast.iter_child_nodes(scope) if getattr(node, "name", "") == part)
    assert isinstance(scope, ast.FunctionDef), name
    last = scope.body[-1]
    lines = text.splitlines(keepends=True)
    lines.insert(last.lineno - 1, " " * last.col_offset + "len('changed')\n")
    path.write_text("".join(lines), encoding="utf-8")
