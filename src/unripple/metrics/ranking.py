"""Settings ranked by one metric, with intervals and paired differences from a reference."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from unripple.metrics.columns import BY_KEY
from unripple.metrics.table import bootstrap

#: What identifies a picture across settings.
PICTURE = ["photo", "attribute", "degree"]


def rank(
    tables: Sequence[pd.DataFrame],
    labels: Sequence[Mapping[str, object]],
    methods: Sequence[str],
    metric: str,
    *,
    reference: int | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row for each method and setting, the best first.

    Args:
        tables: the metrics of each setting, a row for each photo, degree and method.
        labels: the setting of each table, by name.
        methods: those to rank. A setting that makes no difference to a method is ``any`` in its row.
        metric: a column with a better direction.
        reference: index of the table that the others are paired with, photo by photo and degree by degree.
        resamples, seed: of the bootstrap over photos.

    Returns columns ``rank, method, <settings>, mean, low, high, difference, difference_low, difference_high,
    photos``. A positive difference is a larger value than the reference's, not a better one.
    """
    column = BY_KEY[metric]
    if column.better == "neither":
        raise ValueError(f"{metric}: expected a metric that has a better direction")
    rows = []
    for number, (table, label) in enumerate(zip(tables, labels, strict=True)):
        for method in methods:
            own = _values(table, method, metric)
            if own.empty:
                continue
            pairs = pd.Series(dtype=float)
            if reference is not None and number != reference:
                pairs = (own - _values(tables[reference], method, metric)).dropna()
            crc = zlib.crc32(f"{seed}/{method}/{metric}".encode())
            photos = _by_photo(own)
            differences = _by_photo(pairs) if len(pairs) else np.empty(0)
            rows.append(
                {
                    "method": method,
                    **{name: str(value) for name, value in label.items()},
                    **dict(zip(("mean", "low", "high"), bootstrap(photos, resamples, crc), strict=True)),
                    **dict(
                        zip(
                            ("difference", "difference_low", "difference_high"),
                            bootstrap(differences, resamples, crc),
                            strict=True,
                        )
                    ),
                    "photos": len(photos),
                }
            )
    ranked = pd.DataFrame(rows)
    if ranked.empty:
        raise ValueError(f"{metric}: not measured for any of {', '.join(methods)}; does the study know the truth?")
    names = list(labels[0])
    ranked = pd.concat([_without_idle(part, names) for _, part in ranked.groupby("method", sort=False)])
    order = ranked["mean"].round(9) * (1 if column.better == "lower" else -1)
    ranked.insert(0, "rank", order.rank(method="min").astype(int))
    return ranked.sort_values(["rank", "method", *names], ignore_index=True, kind="stable")


def rank_text(ranking: pd.DataFrame, names: Sequence[str], metric: str) -> str:
    """A ranking as plain text for a terminal; ``names``: the settings that differ."""
    column = BY_KEY[metric]
    shown = ranking[["rank", "method", *names]].astype(str)
    shown[f"{column.short} {column.arrow}"] = [
        _interval(row["mean"], row["low"], row["high"], f".{column.digits}f") for _, row in ranking.iterrows()
    ]
    if ranking["difference"].notna().any():
        shown["minus params.yaml's"] = [
            _interval(row["difference"], row["difference_low"], row["difference_high"], f"+.{column.digits}f")
            for _, row in ranking.iterrows()
        ]
    photos = int(ranking["photos"].max())
    return (
        f"{shown.to_string(index=False)}\n\n"
        f"{column.label}, mean over {photos} photos, with its 95 % bootstrap interval; differences are paired by photo"
        " and degree.\n"
    )


def _interval(mean: float, low: float, high: float, digits: str) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:{digits}}" if np.isnan(low) else f"{mean:{digits}} [{low:{digits}}, {high:{digits}}]"


def _without_idle(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """One method's rows, in which a setting that changes nothing is ``any`` and its copies are left out."""
    for name in names:
        others = [other for other in names if other != name]
        groups = rows.groupby(others)["mean"] if others else rows.groupby(lambda _: 0)["mean"]
        if rows[name].nunique() > 1 and (groups.max() - groups.min()).max() < 1e-12:
            # The reference pairs with nothing; a copy of it that does says the same.
            rows = (
                rows.sort_values("difference", kind="stable")
                .assign(**{name: "any"})
                .drop_duplicates(["method", *names])
            )
    return rows


def _by_photo(values: pd.Series[float]) -> npt.NDArray[np.float64]:
    return np.asarray(values.groupby(level="photo").mean(), dtype=np.float64)


def _values(table: pd.DataFrame, method: str, metric: str) -> pd.Series[float]:
    rows = table[table["method"] == method]
    return rows.set_index(PICTURE)[metric].astype(float).dropna()
