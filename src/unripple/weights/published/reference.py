"""The table of docs/weights.md, from the manifest: ``python -m unripple.weights.published.reference``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from unripple.weights.published.fetch import url_of
from unripple.weights.published.manifest import Weights, manifest
from unripple.weights.roles import LAYOUT_OF, ROLE_OF

PAGE: Final = Path("docs/weights.md")
BEGIN, END = "<!-- table: make docs -->", "<!-- end of table -->"


def table() -> str:
    """A line of Markdown for each published file."""
    head = "| Name | File | Bytes | sha256 | Licence | Becomes | From |\n| --- | --- | --- | --- | --- | --- | --- |"
    return "\n".join((head, *(_row(weights) for weights in manifest().values())))


def _row(weights: Weights) -> str:
    size = weights.size.removesuffix(" bytes")
    sums = " or ".join(f"`{known[:12]}…`" for known in weights.sha256) or "none public"
    layout = LAYOUT_OF.get(weights.file)
    becomes = "used as it is" if layout is None else f"`{ROLE_OF[layout]}`"
    sources = ", ".join(
        f"[{number}]({url_of(source)})" if source.startswith(("https:", "drive:")) else f"`{source}`"
        for number, source in enumerate(weights.sources, 1)
    )
    return f"| `{weights.name}` | `{weights.file}` | {size} | {sums} | {weights.licence} | {becomes} | {sources} |"


def renewed(page: str) -> str:
    """The page with the table of today between its two marks. Raises ``ValueError`` if a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE}: expected the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
