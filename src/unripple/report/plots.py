"""The page's plots: small SVG pictures with text as text, each with a sentence for those who do not see it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle

from unripple.metrics.table import TURNS
from unripple.report.cases import gain, paired
from unripple.report.pictures import label
from unripple.report.words import minus
from unripple.settings.columns import BASELINE, BY_KEY, TRUTH, Column

#: Inches; the page scales a plot to the width it has.
SIZE = (3.0, 2.4)
#: Stands for the page's own text colour, so that plots are read on light and on dark paper.
INK = "#010203"
#: Colours with a contrast of 3 and more to both papers; methods differ by their marker, too.
_COLOURS = ("#0072b2", "#c4571a", "#00875f", "#b0528f", "#8a6a1c", "#7a63d1")
_MARKERS = ("s", "^", "D", "v", "P", "X")
_GAIN, _LOSS = "#0072b2", "#c4571a"


@dataclass(frozen=True)
class Plot:
    """``svg``: markup to stand in a page; ``alt``: the same in a sentence."""

    title: str
    svg: str
    alt: str


@dataclass(frozen=True)
class Style:
    """How a method is drawn."""

    colour: str
    marker: str

    def swatch(self) -> str:
        """Its marker on a piece of its line, as SVG for a legend."""
        style = MarkerStyle(self.marker)
        corners = np.asarray(style.get_path().transformed(style.get_transform()).to_polygons()[0], dtype=float)
        points = " ".join(f"{14 + 9 * x:.1f},{7 - 9 * y:.1f}" for x, y in corners)
        colour = "currentColor" if self.colour == INK else self.colour
        return (
            f'<svg viewBox="0 0 28 14" width="28" height="14" aria-hidden="true" fill="{colour}" stroke="{colour}">'
            f'<path d="M0 7H28" stroke-width="2"/><polygon points="{points}"/></svg>'
        )


_BASELINE_STYLE = Style(INK, "o")


def styles(methods: Sequence[str]) -> dict[str, Style]:
    """How each method is drawn: the baseline in the colour of the text, the others in theirs."""
    others = [method for method in methods if method != BASELINE]
    drawn = {
        method: Style(_COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)])
        for place, method in enumerate(others)
    }
    return {method: drawn.get(method, _BASELINE_STYLE) for method in methods}


def against_degree(summary: pd.DataFrame, key: str, methods: Sequence[str]) -> Plot:
    """A metric's mean against the degree of the edit, with its 95 % band, a line for each method."""
    column, known = BY_KEY[key], TRUTH in set(summary["method"])
    rows = summary[(summary["metric"] == key) & summary["stratum"].str.match(r"degree [-+]")]
    rows = rows.assign(degree=rows["stratum"].str.removeprefix("degree ").astype(float)).sort_values("degree")
    said = []
    with _drawing(column.label) as (axes, svg):
        for method, style in styles(methods).items():
            own = rows[(rows["method"] == method) & rows["mean"].notna()]
            if own.empty:
                continue
            axes.fill_between(own["degree"], own["low"], own["high"], color=style.colour, alpha=0.15, lw=0)
            if len(own) == 1:  # a band without width is not seen
                axes.vlines(own["degree"], own["low"], own["high"], color=style.colour, lw=3, alpha=0.3)
            axes.plot(own["degree"], own["mean"], color=style.colour, marker=style.marker, ms=4, lw=1.4)
            ends = [minus(f"{row.mean:.{column.digits}f} at {row.degree:+g}") for row in own.iloc[[0, -1]].itertuples()]
            said.append(f"{label(method)} {' and '.join(dict.fromkeys(ends))}")
        axes.set_xticks(sorted(rows["degree"].unique()))
        axes.xaxis.set_major_formatter(lambda degree, _: minus(f"{degree:+g}"))
        axes.set_xlabel("degree of the edit")
        axes.set_ylabel(_unit(column, known))
    return Plot(_title(column, known), svg(), f"{column.label} against degree. {'; '.join(said)}.")


def against_turn(
    table: pd.DataFrame, summary: pd.DataFrame, method: str, own_style: Style, key: str = "ripple_energy"
) -> Plot:
    """A metric against how far the baseline turned the head: a dot for each picture, means of the strata with bands.

    The baseline is drawn beneath in the colour of the text.
    """
    column, said = BY_KEY[key], []
    turns = table[table["method"] == BASELINE].set_index(["photo", "degree"])["yaw_turned"].astype(float).abs()
    with _drawing(f"{column.label}, {method}") as (axes, svg):
        for name, style in ((BASELINE, _BASELINE_STYLE), (method, own_style)):
            own = table[table["method"] == name].set_index(["photo", "degree"])[key].astype(float)
            dots = pd.DataFrame({"turn": turns, "value": own}).dropna()
            axes.plot(dots["turn"], dots["value"], ls="", marker="o", ms=2.2, color=style.colour, alpha=0.5, mew=0)
            means = _means_of_turns(summary, name, key, dots["turn"])
            axes.fill_between(means["turn"], means["low"], means["high"], color=style.colour, alpha=0.15, lw=0)
            axes.plot(means["turn"], means["mean"], color=style.colour, marker=style.marker, ms=4, lw=1.4)
            values = [f"{row.mean:.{column.digits}f} at {row.turn:.0f}°" for row in means.itertuples()]
            said.append(f"{label(name)} {', '.join(values) or 'not measured'}")
        axes.set_xlim(left=0)
        axes.set_xlabel("head turned by the baseline (degrees)")
        axes.set_ylabel(_unit(column, TRUTH in set(summary["method"])))
    alt = f"{column.label} against head turn, a dot for each picture. Means: {'; '.join(said)}."
    return Plot(f"{label(method)} and {label(BASELINE)}", svg(), alt)


def photo_pairs(table: pd.DataFrame, method: str, key: str) -> Plot:
    """The baseline's value and a method's, joined by a line for each photo (mean over the pictures given)."""
    column = BY_KEY[key]
    pairs = paired(table, method, key)
    pairs["gain"] = gain(column, pairs["before"], pairs["value"], pairs["goal"])
    photos = pairs.groupby("photo")[["before", "value", "goal", "gain"]].mean()
    gains, losses = photos["gain"] > 0, photos["gain"] < 0
    goal = float(photos["goal"].mean())
    with _drawing(f"{column.label}, pairs, {method}") as (axes, svg):
        for chosen, colour, dashes in (
            (gains, _GAIN, "-"),
            (losses, _LOSS, (0, (3, 1.5))),
            (~gains & ~losses, INK, "-"),
        ):
            if chosen.any():
                ends = photos.loc[chosen, ["before", "value"]].to_numpy().T  # (2, photos)
                axes.plot([0, 1], ends, color=colour, ls=dashes, lw=0.9, marker="o", ms=2.5, alpha=0.8)
        if len(photos):
            axes.plot([0, 1], photos[["before", "value"]].mean(), color=INK, lw=2.6, marker="o", ms=5)
        if goal == goal:
            axes.axhline(goal, color=INK, lw=1, ls=(0, (1, 2)))
        axes.set_xlim(-0.25, 1.25)
        axes.set_xticks([0, 1], [label(BASELINE), label(method)])
        axes.set_ylabel(_unit(column, goal == goal))
    alt = (
        f"{column.label}, {label(BASELINE)} against {label(method)}, a line for each of {len(photos)} photos: "
        f"{int(gains.sum())} better, {int(losses.sum())} worse."
    )
    if goal == goal:
        alt += f" Better is nearer to the true edit's own value, {goal:.{column.digits}f} on average."
    return Plot(f"{label(method)}: {int(gains.sum())} better, {int(losses.sum())} worse", svg(), alt)


def _means_of_turns(summary: pd.DataFrame, method: str, key: str, turns: pd.Series[float]) -> pd.DataFrame:
    """The summary's strata by head turn, each at the mean turn of its pictures: ``turn, mean, low, high``."""
    rows = summary[(summary["metric"] == key) & (summary["method"] == method)]
    rows = rows[rows["stratum"].str.startswith("turned ") & rows["mean"].notna()]
    starts = rows["stratum"].str.extract(r"turned ([\d.]+)")[0].astype(float)
    inside = turns.groupby(np.searchsorted(TURNS, turns.to_numpy(), side="right")).mean()
    places = pd.Series(np.searchsorted(TURNS, starts.to_numpy(), side="right"), index=rows.index)
    return rows.assign(turn=places.map(inside)).dropna(subset="turn").sort_values("turn")


def _title(column: Column, known: bool) -> str:
    return "\N{NO-BREAK SPACE}".join(
        filter(None, (column.label, column.sign(known).replace(" ", "\N{NO-BREAK SPACE}")))
    )


def _unit(column: Column, known: bool) -> str:
    aims = {"lower": "↓ lower is better", "higher": "↑ higher is better", "truth": f"{column.sign(known)} is better"}
    return ", ".join(filter(None, [column.unit, aims.get(column.aim(known), "")]))


@contextmanager
def _drawing(salt: str) -> Iterator[tuple[Axes, _Markup]]:
    """Axes to draw on, and what turns them into markup. ``salt`` keeps the ids of plots in one page apart."""
    look: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "font.size": 9,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
    }
    with mpl.rc_context(look):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        axes.grid(axis="y", color=INK, alpha=0.12, lw=0.6)
        yield axes, _Markup(figure, look)


@dataclass(frozen=True)
class _Markup:
    figure: Figure
    look: Any

    def __call__(self) -> str:
        """The figure as SVG for an HTML page: no prologue, no namespaces, no ids but those referred to."""
        written = StringIO()
        with mpl.rc_context(self.look):
            self.figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        svg = written.getvalue()
        svg = svg[svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
        svg = re.sub(r' xmlns(:\w+)?="[^"]*"| version="1.1"', "", svg).replace("xlink:href", "href")
        svg = re.sub(r'<g id="[^"]*"', "<g", svg)
        svg = re.sub(
            r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true" focusable="false">', svg, count=1
        )
        return re.sub(r"\s*\n\s*", "\n", svg).replace(INK, "currentColor").strip()
