"""The best, the worst and a typical picture, found by the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from unripple.report.pictures import compared, spread
from unripple.settings.columns import BASELINE, BY_KEY, ST_LPIPS, TRUTH, Column

#: By which metrics pictures are found: what ripples are left, and how far from the truth the band is.
CASE_METRICS = ("ripple_energy", f"{ST_LPIPS}_band")


#: A number or an array of them.
Numbers = Any


@dataclass(frozen=True)
class Case:
    """One picture of one method: what was measured, and before in the baseline's picture of the same edit.

    ``goal``: the truth's own value, if that is what the metric is judged by, else NaN; ``improved``: whether ``value``
    is better than ``before``.
    """

    column: Column
    method: str
    photo: str
    degree: float
    before: float
    value: float
    goal: float = math.nan

    @property
    def improved(self) -> bool:
        return gain(self.column, self.before, self.value, self.goal) > 0


def gain(column: Column, before: Numbers, value: Numbers, goal: Numbers) -> Numbers:
    """By how much ``value`` is better than ``before``: nearer to the goal; where that is NaN, as the metric says."""
    straight = (before - value) * (-1 if column.better == "higher" else 1)
    return np.where(np.isnan(goal), straight, np.abs(before - goal) - np.abs(value - goal))


def find_cases(
    table: pd.DataFrame, methods: Sequence[str], metrics: Sequence[str] = CASE_METRICS
) -> dict[str, list[Case]]:
    """For each method its largest improvement and its largest loss against the baseline, by each metric.

    ``table``: of ``metrics_table``. A method that nowhere improves (or loses) has no such case. Of equal differences
    the first photo and degree count, so that the same table gives the same cases.
    """
    found: dict[str, list[Case]] = {}
    for method in compared(methods):
        for key in metrics:
            pairs = paired(table, method, key)
            gains = gain(BY_KEY[key], *(pairs[name].to_numpy() for name in ("before", "value", "goal")))
            for place in (np.argmax, np.argmin) if len(pairs) else ():
                at = int(place(gains))
                row = pairs.iloc[at]
                case = Case(BY_KEY[key], method, *row[["photo", "degree", "before", "value", "goal"]])
                if gains[at] != 0 and case.improved == (place is np.argmax):
                    found.setdefault(method, []).append(case)
    return found


def paired(table: pd.DataFrame, method: str, key: str) -> pd.DataFrame:
    """A method's values beside the baseline's of the same picture: ``photo, degree, before, value, goal``.

    None is missing but the goal, the truth's own value: NaN where it is not known, or not the metric's aim.
    """
    edit = ["photo", "degree"]
    rows = table[[*edit, "method", key]]
    own = rows[rows["method"] == method].set_index(edit)[key].astype(float)
    before = rows[rows["method"] == BASELINE].set_index(edit)[key].astype(float)
    pairs = pd.DataFrame({"before": before, "value": own}).dropna().sort_index()
    truth = rows[rows["method"] == TRUTH].set_index(edit)[key].astype(float)
    aim = BY_KEY[key].aim(known=len(truth) > 0)
    return pairs.assign(goal=truth.reindex(pairs.index) if aim == "truth" else math.nan).reset_index()


def by_importance(table: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """All photos of a table: those of the typical picture and of the cases, then the others evenly spread."""
    first = [case.photo for cases in find_cases(table, methods).values() for case in cases]
    if (middle := typical(table)) is not None:
        first.insert(0, middle[0])
    return list(dict.fromkeys([*first, *spread(sorted(table["photo"].astype(str).unique()))]))


def typical(table: pd.DataFrame, key: str = CASE_METRICS[0]) -> tuple[str, float] | None:
    """Photo and degree of the largest edits whose baseline has the median of a metric; None where it has none.

    Photos whose truth is known come before others. Of an even number the lower of the middle two counts.
    """
    rows = table[(table["method"] == BASELINE) & (table["degree"].abs() == table["degree"].abs().max())]
    rows = rows[rows[key].notna()]
    if "known_plate" in rows and rows["known_plate"].any():
        rows = rows[rows["known_plate"]]
    if rows.empty:
        return None
    middle = rows.sort_values([key, "photo", "degree"]).iloc[(len(rows) - 1) // 2]
    return str(middle["photo"]), float(middle["degree"])
