"""Settings ranked by one metric, with intervals and paired differences from a reference."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import pandas as pd

from unripple.metrics.photo_sets import with_truth
from unripple.metrics.resampling import bootstrap, plates_of
from unripple.settings.columns import BY_KEY

#: What identifies a picture across settings.
PICTURE = ["photo", "attribute", "degree"]
#: Number of a table, and method.
Key = tuple[int, str]


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
    """One row for each method and setting, the best first, all over the same pictures: those measured in every one.

    Args:
        tables: the metrics of each setting, a row for each photo, degree and method. Known-plate portraits count; real
            photos where there are no others.
        labels: the setting of each table, by name.
        methods: those to rank. A setting that makes no difference to a method is ``any`` in its row.
        metric: a column with a better direction.
        reference: index of the table that the others are paired with, photo by photo and degree by degree.
        resamples, seed: of the bootstrap over plates and photos.

    Returns columns ``rank, method, <settings>, mean, low, high, difference, difference_low, difference_high,
    photos, pictures``. A positive difference is a larger value than the reference's, not a better one.
    Raises ``ValueError`` where nothing was measured, or no picture in all.
    """
    tables = [with_truth(table) for table in tables]
    column = BY_KEY[metric]
    if column.better == "neither":
        raise ValueError(f"{metric}: expected a metric that has a better direction")
    measured = _shared(
        {
            (number, method): values
            for number, table in enumerate(tables)
            for method in methods
            if len(values := _values(table, method, metric))
        }
    )
    if not measured:
        raise ValueError(f"{metric}: not measured for any of {', '.join(methods)}; does the study know the truth?")
    rows, plates = [], plates_of(pd.concat(tables))
    for number, label in enumerate(labels):
        for method in methods:
            own = measured.get((number, method))
            if own is None:
                continue
            pairs = pd.Series(dtype=float)
            if reference is not None and number != reference and (reference, method) in measured:
                pairs = own - measured[reference, method]
            crc = zlib.crc32(f"{seed}/{method}/{metric}".encode())
            photos, differences = _by_photo(own), _by_photo(pairs) if len(pairs) else pd.Series(dtype=float)
            rows.append(
                {
                    "method": method,
                    **{name: str(value) for name, value in label.items()},
                    **dict(zip(("mean", "low", "high"), _interval_of(photos, plates, resamples, crc), strict=True)),
                    **dict(
                        zip(
                            ("difference", "difference_low", "difference_high"),
                            _interval_of(differences, plates, resamples, crc),
                            strict=True,
                        )
                    ),
                    "photos": len(photos),
                    "pictures": len(own),
                }
            )
    ranked = pd.DataFrame(rows)
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
    photos, pictures = int(ranking["photos"].max()), int(ranking["pictures"].max())
    return (
        f"{shown.to_string(index=False)}\n\n"
        f"{column.label}, mean over {photos} photos, with its 95 % bootstrap interval; differences are paired by photo"
        f" and degree.\nRanked on the {pictures} pictures that are measured in every row.\n"
    )


def _interval(mean: float, low: float, high: float, digits: str) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:{digits}}" if np.isnan(low) else f"{mean:{digits}} [{low:{digits}}, {high:{digits}}]"


def _without_idle(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """One method's rows, in which a setting that changes nothing is ``any`` and its copies are left out."""
    for name in names:
        others = [other for other in names if other != name]
        groups = rows.groupby(others) if others else rows.groupby(lambda _: 0)
        # Every value has to be seen with the same others: alone, or changed together with another, it tells nothing.
        seen = (groups[name].nunique() == rows[name].nunique()).all()
        if rows[name].nunique() > 1 and seen and (groups["mean"].max() - groups["mean"].min()).max() < 1e-12:
            # The reference pairs with nothing; a copy of it that does says the same.
            rows = (
                rows.sort_values("difference", kind="stable")
                .assign(**{name: "any"})
                .drop_duplicates(["method", *names])
            )
    return rows


def _shared(measured: Mapping[Key, pd.Series[float]]) -> dict[Key, pd.Series[float]]:
    """Of each series what all have. Raises ``ValueError`` where that is nothing."""
    if not measured:
        return {}
    shared = reduce(lambda some, more: some.intersection(more), (values.index for values in measured.values()))
    if shared.empty:
        sizes = ", ".join(map(str, sorted({len(values) for values in measured.values()})))
        raise ValueError(
            f"expected pictures measured in all settings, found none among their {sizes};"
            " compare studies of the same photos"
        )
    return {key: values[values.index.isin(shared)] for key, values in measured.items()}


def _by_photo(values: pd.Series[float]) -> pd.Series[float]:
    return values.groupby(level="photo").mean()


def _interval_of(
    photos: pd.Series[float], plates: pd.Series[str], resamples: int, seed: int
) -> tuple[float, float, float]:
    return bootstrap(np.asarray(photos, dtype=np.float64), resamples, seed, plates.reindex(photos.index).tolist())


def _values(table: pd.DataFrame, method: str, metric: str) -> pd.Series[float]:
    rows = table[table["method"] == method]
    return rows.set_index(PICTURE)[metric].astype(float).dropna()
