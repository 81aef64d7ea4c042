"""The ranking of settings as a plot: a dot with its interval for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from unripple.metrics.ranking import ranked_by
from unripple.settings.columns import BY_KEY

#: Inches of a row and of the whole width.
ROW, WIDTH = 0.24, 9.0


def draw_ranking(ranking: pd.DataFrame, names: Sequence[str], metric: str, path: Path) -> None:
    """Write a PNG: the settings under each other, the best on top, a colour for each method."""
    column = BY_KEY[metric]
    figure = Figure(figsize=(WIDTH, 1.4 + ROW * len(ranking)), layout="constrained")
    axes = figure.subplots()
    for method, rows in ranking.groupby("method", sort=True):
        below, above = rows["mean"] - rows["low"], rows["high"] - rows["mean"]
        axes.errorbar(rows["mean"], rows.index, xerr=[below, above], fmt="o", capsize=3, label=str(method))
    labels = [", ".join(f"{name.partition('.')[2]} {row[name]}" for name in names) for _, row in ranking.iterrows()]
    axes.set_yticks(range(len(ranking)), labels, fontsize="small")
    axes.set_ylim(len(ranking) - 0.5, -0.5)
    axes.set_xlabel(" ".join(filter(None, (ranked_by(ranking, metric), f"({column.unit})" if column.unit else ""))))
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize="small")
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})
