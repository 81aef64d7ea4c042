"""What the numbers say, in words that are computed from them."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pandas as pd

from unripple.metrics.table import ABSENT, by_metric, difference_text, mean_text
from unripple.report.pictures import compared, label
from unripple.settings.columns import BASELINE, COLUMNS, TRUTH, Column

Verdict = Literal["better", "worse", ""]


def verdict(row: Mapping[Hashable, Any]) -> Verdict:
    """Whether the interval of a paired difference lies on one side of zero, and on which; else empty.

    ``row``: of the summary. Its ``aim`` says of what the difference is: of distances to the truth, less is better.
    """
    low, high = row["difference_low"], row["difference_high"]
    if not row["aim"] or math.isnan(low) or low <= 0 <= high:
        return ""
    return "worse" if (high < 0) == (row["aim"] == "higher") else "better"


def p_text(p: float) -> str:
    """A p-value as text: ``p = .012``, ``p < .001``; empty where there is none."""
    if math.isnan(p):
        return ""
    return "p < .001" if p < 0.001 else f"p = {min(p, 0.999):.3f}".replace("0.", ".")


def minus(text: str) -> str:
    """A text of numbers with true minus signs."""
    return text.replace("-", "−")


class Phrase(NamedTuple):
    """A metric, and what was found: ``0.212 against 0.305, goal 0.171; distance: −0.041 [−0.070, −0.023]``."""

    metric: str
    numbers: str


@dataclass
class Finding:
    """One method against the baseline, a phrase for each headline metric and for each loss in another.

    ``compared``: in how many metrics it was compared, those without a phrase too.
    """

    method: str
    compared: int = 0
    better: list[Phrase] = field(default_factory=list)
    worse: list[Phrase] = field(default_factory=list)
    undecided: list[Phrase] = field(default_factory=list)


def findings(summary: pd.DataFrame, stratum: str, methods: Sequence[str]) -> list[Finding]:
    """For each method but the baseline where it is better, where it loses and what stays open in a stratum.

    Metrics that say nothing of better, or without an interval (no pairs, or those of one photo), are left out.
    Beyond the headline only losses are told: "worse in none" has to hold in the whole table.
    """
    rows = by_metric(summary[summary["stratum"] == stratum])
    found = []
    for method in compared(methods):
        finding = Finding(method)
        for column in COLUMNS:
            row, base, truth = (rows.get((column.key, name), ABSENT) for name in (method, BASELINE, TRUTH))
            if not row["aim"] or math.isnan(row["difference_low"]):
                continue
            finding.compared += 1
            mark = verdict(row)
            if not column.headline and mark != "worse":
                continue
            numbers = f"{mean_text(row, column)} against {mean_text(base, column)}"
            if row["aim"] == "truth":
                goal = f"{column.ideal:.{column.digits}f}" if column.ideal is not None else mean_text(truth, column)
                numbers = f"{numbers}, goal {goal}; distance"
            numbers = f"{numbers}: {difference_text(row, column)} {column.unit}".strip()
            numbers = re.sub(r", (?=[-+]?[\d.]+\])", ",\N{NO-BREAK SPACE}", numbers)
            if row["difference_low"] == row["difference_high"] == 0:
                numbers = "the same in every photo"
            phrases = {"better": finding.better, "worse": finding.worse, "": finding.undecided}[mark]
            phrases.append(Phrase(column.label, minus(numbers)))
        found.append(finding)
    return found


def conclusion(found: Sequence[Finding]) -> str:
    """A sentence over all methods: which only gain, which gain and lose, which only lose."""
    groups = {
        "better in some metrics and worse in none": [one for one in found if one.better and not one.worse],
        "better in some and worse in others": [one for one in found if one.better and one.worse],
        "worse in some and better in no main one": [one for one in found if one.worse and not one.better],
        "not better in any main one and worse in none": [one for one in found if not one.better and not one.worse],
    }
    said = []
    for what, group in groups.items():
        if group:
            names = _listed(label(one.method) for one in group)
            said.append(f"{names} {'is' if len(group) == 1 else 'are'} {what}")
    return f"{'; '.join(said)}." if said else ""


def means(summary: pd.DataFrame, stratum: str, methods: Sequence[str], column: Column) -> str:
    """The mean of every method in a stratum, the baseline's first: ``HFGI (baseline) 0.068, e4e 0.012``."""
    rows = by_metric(summary[summary["stratum"] == stratum])
    order = sorted(methods, key=lambda method: method != BASELINE)
    found = {method: rows[column.key, method] for method in order if (column.key, method) in rows}
    return ", ".join(f"{label(method)} {minus(mean_text(row, column))}" for method, row in found.items())


def reasons(put_aside: pd.DataFrame) -> dict[str, str]:
    """Photo -> why it was put aside: every reason of the table once, in its order."""
    return {str(photo): "; ".join(dict.fromkeys(told)) for photo, told in put_aside.groupby("photo")["reason"]}


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
