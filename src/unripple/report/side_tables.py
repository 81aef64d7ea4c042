"""Tables of the page beside the main one: real photos, and the inversions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from unripple.metrics.inversion_table import COLUMNS, INVERSIONS
from unripple.metrics.photo_sets import WITHOUT_TRUTH
from unripple.metrics.table import ABSENT, ALL, by_metric, difference_text, mean_text
from unripple.report.pictures import label
from unripple.report.words import minus
from unripple.settings.columns import BY_KEY, TRUTH, Aim, Column


class Cell(NamedTuple):
    """Mean, its interval, and the paired difference with its own, as text; what is not known is empty."""

    mean: str
    interval: str = ""
    difference: str = ""


@dataclass(frozen=True)
class Line:
    """One metric; ``note``: what its label does not say."""

    column: Column
    cells: Sequence[Cell]
    note: str = ""
    photos: int = 0  # those of the table's caption

    @property
    def sign(self) -> str:
        """Which way is better, as no truth is known."""
        return self.column.sign(False)

    @property
    def aim(self) -> Aim:
        """What a difference speaks of, as no truth is known."""
        return self.column.aim(False)


@dataclass(frozen=True)
class SideTable:
    """``name``: its anchor; ``head``: the names of its columns after the metric's."""

    name: str
    title: str
    text: str
    caption: str
    head: Sequence[str]
    lines: Sequence[Line]


def real_photos(real: pd.DataFrame, main: pd.DataFrame, methods: Sequence[str]) -> list[SideTable]:
    """A table of the real photos for each size of the edit, the largest first.

    ``real``: of ``summarise_real``; ``main``: the summary above them. None where no real photo was measured, or where
    the main table is theirs.
    """
    if real.empty or not (main["method"] == TRUTH).any():
        return []
    names, tables = [name for name in methods if name != TRUTH], []
    strata = [stratum for stratum in real["stratum"].unique() if stratum != ALL]
    for number, stratum in enumerate(sorted(strata, key=lambda name: -float(name.rpartition(" ")[2]))):
        rows = real[real["stratum"] == stratum]
        found, photos = by_metric(rows), int(rows["photos"].max())
        lines = [
            Line(BY_KEY[key], [_cell(found.get((key, name), ABSENT), BY_KEY[key]) for name in names])
            for key in WITHOUT_TRUTH
        ]
        told = f"{stratum}: {photos} {'photo' if photos == 1 else 'photos'}, {int(rows['pictures'].max())} pictures"
        text = (
            "Nobody knows the true edits of photos, so they are judged by what can be seen without: the background"
            " against the photo, what is left of the old person, the seam, identity and yaw. They are in no mean above."
        )
        tables.append(
            SideTable(
                f"real-{number}",
                "Real photos" if number == 0 else "",
                text if number == 0 else "",
                minus(f"{told} for each method"),
                [label(name) for name in names],
                lines,
            )
        )
    return tables


def inversions(summary: pd.DataFrame) -> list[SideTable]:
    """A table of the inversions for each set of photos; ``summary``: of ``summarise_inversion``."""
    tables = []
    for number, (name, rows) in enumerate(summary.groupby("set", sort=False)):
        lines = []
        for column in COLUMNS:
            for stratum, own in rows[rows["metric"] == column.key].groupby("stratum", sort=False):
                found = own.set_index("method").to_dict("index")
                cells = [_interval(found.get(method), column) for method in INVERSIONS]
                lines.append(Line(column, cells, "" if stratum == "inversion" else minus(str(stratum))))
        tables.append(
            SideTable(
                f"inversions-{number}",
                "Inversions" if number == 0 else "",
                "How near the inversions, of which the edits are made, come to the photo." if number == 0 else "",
                f"{name}: means over {int(rows['photos'].max())}",
                ["e4e", "HFGI"],
                lines,
            )
        )
    return tables


def _cell(row: Mapping[Any, Any], column: Column) -> Cell:
    difference = "" if row["difference"] != row["difference"] else difference_text(row, column)
    return Cell(minus(mean_text(row, column)), minus(_bounds(row, column)), minus(difference))


def _interval(row: Mapping[Any, Any] | None, column: Column) -> Cell:
    return Cell("–") if row is None else Cell(minus(mean_text(row, column)), minus(_bounds(row, column)))


def _bounds(row: Mapping[Any, Any], column: Column) -> str:
    """The interval of a mean; empty with one photo."""
    if row["low"] != row["low"]:
        return ""
    return f"[{row['low']:.{column.digits}f}, {row['high']:.{column.digits}f}]"
