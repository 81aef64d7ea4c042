"""What ``results`` says of the study that ran last: the ways to its page, pictures and tables."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from unripple.jobs import damage
from unripple.photos.names import printable

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path("results")
SUMMARY, RECORD = RESULTS / "summary.txt", RESULTS / "record.json"
#: In the stage of a picture from outside.
OUTSIDE = "/external/method~"
#: What tells the files of a study apart.
ENDINGS = {"page": "/index.html", "overview": "/overview.png", "table": "/summary.csv"}
LEADS_TO = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={url}">
<title>Unripple</title>
<p><a href="{url}">The page of the study that ran last: {study}</a></p>
</html>
"""


class NoStudy(FileNotFoundError):
    """No study has finished here; the message says what to do."""


def places() -> dict[str, Path]:
    """``page``, ``overview`` and ``table`` (the summary; ``metrics.csv`` lies beside it). Raises ``NoStudy``."""
    try:
        inputs = damage.read(RECORD).get("record", {}).get("inputs", ())
    except (FileNotFoundError, ValueError):
        inputs = ()
    found = {name: Path(file) for file in inputs for name, ending in ENDINGS.items() if file.endswith(ending)}
    if found.keys() != ENDINGS.keys() or not SUMMARY.is_file():
        raise NoStudy(f"{SUMMARY}: expected the summary of a finished study, found none; run `make study` first")
    return found


def lead_to(page: Path, start: Path, study: str) -> str:
    """A page at ``start`` that leads to another, also when the folder of both is moved."""
    url = quote(os.path.relpath(page, start.parent), safe="/~")
    return LEADS_TO.format(url=html.escape(url), study=html.escape(study))


def of_photos(quarantine: pd.DataFrame) -> pd.DataFrame:
    """The rows about photos that were put aside: all but those about a picture that another system owes."""
    return quarantine[~quarantine["stage"].astype(str).str.contains(OUTSIDE, regex=False)]


def put_aside(quarantine: pd.DataFrame) -> pd.DataFrame:
    """``photo, file, reason``: one row for each photo that was put aside, and for each file that was left out.

    ``quarantine``: ``photo, stage, reason, file``, a row for each stage that refused it. A generated portrait and an
    example have no file.
    """
    told = quarantine.fillna("").assign(file=lambda table: table["file"].map(printable))
    reasons = told.groupby(["photo", "file"])["reason"].agg(lambda given: "; ".join(dict.fromkeys(given)))
    return reasons.reset_index().reindex(columns=["photo", "file", "reason"])


def ending(
    study: str,
    failed: int,
    *,
    page: Path,
    pictures: Path,
    table: Path,
    quarantine: Path,
    beside: Sequence[Path] = (),
    owed: int = 0,
) -> str:
    """The last lines of a summary: short ways to all that a reader looks for; ``failed``: photos put aside.

    ``beside``: further tables, of real photos and of inversions; ``owed``: pictures from outside that cannot be used.
    """
    lines = [
        f"Study:     {study}",
        f"Page:      {page}",
        f"Pictures:  {pictures}, a folder for each photo",
        f"Table:     {table}",
        *([f"Beside:    {', '.join(map(str, beside))}"] if beside else []),
    ]
    if failed:
        lines.append(f"Put aside: {failed} photo{'s' * (failed > 1)}, each with its reason in {quarantine}")
    if owed:
        what = f"{owed} picture{'s' * (owed > 1)}"
        lines.append(f"Outside:   {what} cannot be used, each with its reason in {quarantine}")
    return "".join(f"{line}\n" for line in lines)
