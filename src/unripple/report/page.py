"""The HTML page: one file, no network; what it holds itself is enough to read it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from unripple.metrics.sets import LEAST_PHOTOS, frechet_name, kernel_name, kernel_text
from unripple.metrics.table import (
    ABSENT,
    by_metric,
    difference_text,
    farthest,
    goal_text,
    known_photos,
    mean_text,
)
from unripple.report.cases import CASE_METRICS, Case, find_cases, typical
from unripple.report.gallery import Gallery
from unripple.report.pictures import LABELS, compared, label, signed
from unripple.report.plots import Plot, against_degree, against_turn, photo_pairs, styles
from unripple.report.side_tables import SideTable
from unripple.report.words import Verdict, conclusion, findings, means, minus, p_text, verdict
from unripple.settings.columns import BASELINE, BY_KEY, COLUMNS, INCEPTION, TRUTH, Column

#: So many methods, and the truth, have a column when the page opens: more do not fit a window of 1280 pixels.
AT_ONCE = 6


@dataclass(frozen=True)
class Facts:
    """What the page says besides pictures and numbers.

    ``networks``: role -> network that produced the results; ``settings``: key -> value of the study;
    ``put_aside``: photo -> why it could not be used; ``packages``: name -> version;
    ``owed``: photo -> which of its pictures from outside cannot be used.
    """

    networks: Mapping[str, str]
    settings: Mapping[str, str]
    put_aside: Mapping[str, str]
    packages: Mapping[str, str] = field(default_factory=dict)
    attribute: str = "pose"
    owed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One method and metric in the table: mean and paired difference, each with its interval, as text."""

    mean: str
    interval: str
    difference: str
    p: str
    verdict: Verdict


def draw_page(
    gallery: Gallery,
    table: pd.DataFrame,
    summary: pd.DataFrame,
    sets: pd.DataFrame,
    facts: Facts,
    *,
    methods: Sequence[str],
    beside: Sequence[SideTable] = (),
) -> str:
    """The page as text.

    ``gallery`` holds the faces; ``table``, ``summary`` and ``sets``: what ``metrics_table``, ``summarise`` and
    ``set_distances`` gave; ``methods``: their order. The truth's own row stands after them where the table has one.
    ``beside``: further tables, below the main one.
    """
    far = farthest(table)
    strata = [far, *(stratum for stratum in summary["stratum"].unique() if stratum != far)]
    found = findings(summary, far, methods)
    methods = [*methods, *([TRUTH] if TRUTH in set(summary["method"]) else [])]
    cases, middle = find_cases(table, methods), _typical(gallery, table, methods)
    shown = sorted(methods, key=lambda name: name != BASELINE)[:AT_ONCE]
    start = None if middle is None else {key: middle[key] for key in ("photo", "degree", "method")}
    labels = LABELS | {name: label(name) for name in methods}
    columns = [
        asdict(column) | {name: [get(known) for known in (False, True)] for name, get in _by_knowledge(column)}
        for column in COLUMNS
    ]
    return _template().render(
        gallery=gallery,
        typical=middle,
        far=_table(summary, far, methods),
        findings=[one for one in found if one.compared],
        compared=sum(one.compared for one in found),
        conclusion=conclusion([one for one in found if one.compared]),
        energies=means(summary, far, methods, BY_KEY["ripple_energy"]),
        beside=beside,
        tables=[_table(summary, stratum, methods) for stratum in strata],
        least=LEAST_PHOTOS,
        sets=_sets(sets, methods),
        inception=set(sets["extractor"]) == {INCEPTION},
        plots=_plots(table, summary, methods),
        styles=styles(methods),
        cases={label(method): [_case(gallery, case) for case in found] for method, found in cases.items()},
        study=gallery.content() | {"labels": labels, "columns": columns, "baseline": BASELINE, "start": start},
        methods=[{"name": name, "label": label(name), "shown": name in (*shown, TRUTH)} for name in methods],
        labels=labels,
        facts=facts,
        baseline=BASELINE,
    )


def _typical(gallery: Gallery, table: pd.DataFrame, methods: Sequence[str]) -> dict[str, Any] | None:
    """The picture whose baseline has the median ripple energy, by all methods."""
    if (found := typical(table)) is None:
        return None
    photo, degree = found
    small = gallery.small(photo, degree)
    names = [name for name in dict.fromkeys(("photo", *methods, TRUTH)) if name in small]
    return {
        "photo": photo,
        "degree": signed(degree),
        "method": "ripple_inpaint" if "ripple_inpaint" in methods else methods[0],
        "pictures": [(label(name), small[name]) for name in names],
    }


def _case(gallery: Gallery, case: Case) -> dict[str, Any]:
    """One case with its pictures, as far as the page holds them."""
    small = gallery.small(case.photo, case.degree)
    names = [name for name in ("photo", BASELINE, case.method, "truth") if name in small]
    digits = case.column.digits
    numbers = f"{case.before:.{digits}f} → {case.value:.{digits}f}"
    if case.goal == case.goal:
        numbers += f", the true edit {case.goal:.{digits}f}"
    return {
        "photo": case.photo,
        "degree": signed(case.degree),
        "method": case.method,
        "title": f"Largest {'improvement' if case.improved else 'loss'}: {case.column.label}",
        "improved": case.improved,
        "numbers": minus(f"{numbers} {case.column.unit}".strip()),
        "pictures": [(label(name), small[name]) for name in names],
    }


def _sets(table: pd.DataFrame, methods: Sequence[str]) -> list[dict[str, Any]]:
    """The distances of sets as text: a line for each distance, extractor, reference and size of the edit."""
    keys, lines = ["extractor", "reference", "stratum", "photos", "pictures"], []
    for names, rows in table.groupby(keys, sort=False):
        about = dict(zip(keys, map(str, names), strict=True))
        kernels = zip(rows["kernel"], rows["kernel_low"], rows["kernel_high"], strict=True)
        found = dict(zip(rows["method"], (minus(kernel_text(*kernel)) for kernel in kernels), strict=True))
        texts = {f"{kernel_name(about['extractor'])} × 1000": found}
        if rows["frechet"].notna().all():
            texts[frechet_name(about["extractor"])] = {
                method: f"{distance:.4f}" for method, distance in zip(rows["method"], rows["frechet"], strict=True)
            }
        for name, found in texts.items():
            lines.append({**about, "name": name, "cells": [found.get(method, "–") for method in methods]})
    return lines


def _plots(table: pd.DataFrame, summary: pd.DataFrame, methods: Sequence[str]) -> dict[str, list[Plot]]:
    """The plots under their headings; those that would be empty are left out."""
    others, drawn = compared(methods), styles(methods)
    measured = set(summary.loc[summary["mean"].notna(), "metric"])
    largest = table[table["degree"].abs() == table["degree"].abs().max()]
    headline = [column.key for column in COLUMNS if column.headline and column.key in measured]
    plots = {
        "Each metric against the degree of the edit": [
            # The truth's distance to itself says nothing, and would press all others together.
            against_degree(summary, key, [BASELINE, *others] if "to the truth" in BY_KEY[key].label else methods)
            for key in headline
        ]
    }
    if {"ripple_energy", "yaw_turned"} <= measured:
        plots["Ripple energy against head turn"] = [
            against_turn(table, summary, method, drawn[method]) for method in others
        ]
    for key in CASE_METRICS:
        if key in measured:
            plots[f"Photo by photo: {BY_KEY[key].label}"] = [photo_pairs(largest, method, key) for method in others]
    return {title: several for title, several in plots.items() if several}


def _table(summary: pd.DataFrame, stratum: str, methods: Sequence[str]) -> dict[str, Any]:
    """One stratum of the summary, as text."""
    rows = summary[summary["stratum"] == stratum]
    found, known, photos = by_metric(rows), known_photos(rows), rows.groupby("method")["photos"].max()
    lines = [
        {
            "column": column,
            "sign": column.sign(known > 0),
            "aim": column.aim(known > 0),
            "photos": max(int(found.get((column.key, name), ABSENT)["photos"]) for name in methods if name != TRUTH),
            "cells": [_cell(name, found.get((column.key, name), ABSENT), column) for name in methods],
        }
        for column in COLUMNS
    ]
    return {
        "stratum": minus(stratum),
        "lines": lines,
        "photos": int(photos.max()),
        "photos_of": {name: int(photos.get(name, 0)) for name in methods},
        "goal": goal_text(known, int(photos.max())),
        "pictures": int((rows["pictures"] + rows["missing"]).max()),
        "unseen": {name: int(found.get(("yaw", name), ABSENT)["missing"]) for name in methods},
    }


def _by_knowledge(column: Column) -> list[tuple[str, Callable[[bool], str]]]:
    """What of a column depends on whether the truth is known."""
    return [("aims", column.aim), ("signs", column.sign)]


def _cell(method: str, row: Mapping[Any, Any], column: Column) -> Cell:
    interval = ""
    if row["low"] == row["low"]:  # not NaN: one photo has no interval
        interval = f"[{row['low']:.{column.digits}f},\N{NO-BREAK SPACE}{row['high']:.{column.digits}f}]"
    difference = "" if row["difference"] != row["difference"] else difference_text(row, column)
    difference = difference.replace(", ", ",\N{NO-BREAK SPACE}")
    mean, interval = minus(mean_text(row, column)), minus(interval)
    if method == TRUTH:  # what a perfect method would get; nothing competes with it
        return Cell(mean, interval, "", "", "")
    return Cell(
        mean=mean,
        interval=interval,
        difference=minus(difference),
        p=p_text(row["p"]),
        verdict=verdict(row),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("unripple.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # pictures are shown in the order given
    return environment.get_template("index.html.j2")
