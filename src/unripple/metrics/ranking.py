"""Settings ranked by one metric, with intervals and paired differences from a reference."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt
import pandas as pd

from unripple.metrics.judging import additive, judged, truths
from unripple.metrics.photo_sets import with_truth
from unripple.metrics.resampling import bootstrap, decibel_bootstrap, plates_of
from unripple.settings.columns import BY_KEY, TRUTH, Aim

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
        metric: a column that is judged. Where truths are known and its best value is theirs, settings are ranked by
            the distance to that, see ``judging.judged``, each by the truths in its own table.
        reference: index of the table that the others are paired with, photo by photo and degree by degree.
        resamples, seed: of the bootstrap over plates and photos.

    Returns columns ``rank, method, <settings>, mean, low, high, difference, difference_low, difference_high, value,
    photos, pictures, aim``. All numbers are of what is compared, but ``value``, the metric's own mean. A positive
    difference is a larger value than the reference's, not a better one.
    Raises ``ValueError`` where nothing was measured, or no picture in all.
    """
    tables = [with_truth(table) for table in tables]
    aim = _aim(metric, tables)
    if not aim:
        raise ValueError(f"{metric}: expected a metric that has a better direction here")
    all_values = {
        (number, method): values
        for number, table in enumerate(tables)
        for method in methods
        if len(values := _values(table, method, metric))
    }
    measured = _shared({key: values["compared"] for key, values in all_values.items()})
    if not measured:
        raise ValueError(f"{metric}: not measured for any of {', '.join(methods)}; does the study know the truth?")
    estimate = decibel_bootstrap if BY_KEY[metric].decibels else bootstrap
    rows, plates = [], plates_of(pd.concat(tables))
    for number, label in enumerate(labels):
        for method in methods:
            own = measured.get((number, method))
            if own is None:
                continue
            against = measured.get((reference, method)) if reference is not None and number != reference else None
            crc = zlib.crc32(f"{seed}/{method}/{metric}".encode())
            photos, behind = _by_photo(own), plates.reindex(own.groupby(level="photo").size().index).tolist()
            difference = (np.nan, np.nan, np.nan)
            if against is not None:
                difference = estimate(photos, resamples, crc, behind, minus=_by_photo(against))
            value = all_values[number, method]["value"].reindex(own.index)
            rows.append(
                {
                    "method": method,
                    **{name: str(value) for name, value in label.items()},
                    **dict(zip(("mean", "low", "high"), estimate(photos, resamples, crc, behind), strict=True)),
                    **dict(zip(("difference", "difference_low", "difference_high"), difference, strict=True)),
                    "value": estimate(_by_photo(value), 1, crc)[0],
                    "photos": len(photos),
                    "pictures": len(own),
                    "aim": aim,
                }
            )
    ranked = pd.DataFrame(rows)
    names = list(labels[0])
    ranked = pd.concat([_without_idle(part, names) for _, part in ranked.groupby("method", sort=False)])
    order = ranked["mean"].round(9) * (-1 if aim == "higher" else 1)
    ranked.insert(0, "rank", order.rank(method="min").astype(int))
    return ranked.sort_values(["rank", "method", *names], ignore_index=True, kind="stable")


def rank_text(ranking: pd.DataFrame, names: Sequence[str], metric: str) -> str:
    """A ranking as plain text for a terminal; ``names``: the settings that differ."""
    column, aim = BY_KEY[metric], ranking["aim"].iloc[0]
    shown = ranking[["rank", "method", *names]].astype(str)
    if aim == "truth":
        shown[column.short] = [f"{value:.{column.digits}f}" for value in ranking["value"]]
    shown[ranked_by(ranking, metric)] = [
        _interval(row["mean"], row["low"], row["high"], f".{column.digits}f") for _, row in ranking.iterrows()
    ]
    if ranking["difference"].notna().any():
        shown["minus params.yaml's"] = [
            _interval(row["difference"], row["difference_low"], row["difference_high"], f"+.{column.digits}f")
            for _, row in ranking.iterrows()
        ]
    photos, pictures = int(ranking["photos"].max()), int(ranking["pictures"].max())
    what = column.label + (", its distance to the true edit's own value" if aim == "truth" else "")
    return (
        f"{shown.to_string(index=False)}\n\n"
        f"{what}, mean over {photos} photos, with its 95 % bootstrap interval; differences are paired by photo"
        f" and degree.\nRanked on the {pictures} pictures that are measured in every row.\n"
    )


def ranked_by(ranking: pd.DataFrame, metric: str) -> str:
    """What the numbers of a ranking are, in few words: the metric, or its distance to the truth's own, and a sign."""
    column, aim = BY_KEY[metric], ranking["aim"].iloc[0]
    return f"{column.short} off truth ↓" if aim == "truth" else f"{column.short} {'↑' if aim == 'higher' else '↓'}"


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


def _by_photo(values: pd.Series[float]) -> npt.NDArray[np.float64]:
    return np.asarray(values.groupby(level="photo").mean(), dtype=np.float64)


def _aim(metric: str, tables: Sequence[pd.DataFrame]) -> Aim:
    return BY_KEY[metric].aim(known=any((table["method"] == TRUTH).any() for table in tables))


def _values(table: pd.DataFrame, method: str, metric: str) -> pd.DataFrame:
    """A method's values by picture, ``value``, and what of them is compared, ``compared``; none missing."""
    values = additive(table.set_index([*PICTURE, "method"])[[metric]].astype(float))
    own = values[values.index.get_level_values("method") == method].droplevel("method")
    return pd.DataFrame({"value": own[metric], "compared": judged(own, truths(values))[metric]}).dropna()
