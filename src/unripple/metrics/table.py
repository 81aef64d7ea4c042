"""From rows to the table: joining, pairing with the baseline, bootstrap intervals, text and JSON."""

from __future__ import annotations

import itertools
import textwrap
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd

from unripple.metrics.judging import additive, aims, judged, truths
from unripple.metrics.psnr import decibels
from unripple.metrics.resampling import bootstrap, decibel_bootstrap, plates_of, signed_rank
from unripple.settings.columns import BASELINE, BY_KEY, COLUMNS, KEYS, TRUTH, Column

#: Columns of the summary.
SUMMARY_COLUMNS = (
    "stratum",
    "method",
    "metric",
    "photos",
    "plates",
    "pictures",
    "missing",
    "mean",
    "low",
    "high",
    "distance",
    "pairs",
    "difference",
    "difference_low",
    "difference_high",
    "p",
    "aim",
)
ALL = "all"
#: Bounds of the strata: by how far the baseline turned the head (degrees), by the uncovered share of the picture.
TURNS, SHARES = (8.0, 16.0), (0.02, 0.05)


def read_table(file: str | PathLike[str]) -> pd.DataFrame:
    """A table as `write_table` wrote it. Names of photos stay as they are: ``001``, ``17``, ``NA``. So does an empty
    ``aim``: the difference speaks of nothing."""
    table = pd.read_csv(file, dtype={"photo": str}, keep_default_na=False, na_values=[""])
    return table.assign(aim=table["aim"].fillna("")) if "aim" in table else table


def metrics_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Join rows into one table, ordered by photo, attribute, degree and method, columns always in one order.

    Raises ``ValueError`` where a row lacks a key or two rows measure the same picture.
    """
    table = pd.DataFrame(list(rows))
    absent = [key for key in KEYS if key not in table.columns]
    if absent:
        raise ValueError(f"rows: expected the keys {', '.join(KEYS)}, found none named {', '.join(absent)}")
    double = table[table.duplicated(list(KEYS))]
    if len(double):
        first = ", ".join(f"{key} {double.iloc[0][key]}" for key in KEYS)
        raise ValueError(f"rows: expected one row for each picture, found two for {first}; measure it once")
    order = [*KEYS, *(column.key for column in COLUMNS)]
    extra = sorted(set(table.columns) - set(order))
    return table.reindex(columns=[*order, *extra]).sort_values(list(KEYS), ignore_index=True)


def strata(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Parts of the table, name -> rows: all, each size of the edit, each degree, by head turn and by band size.

    Turn and band are those of the baseline's picture, so that all methods of a photo and degree are in one part.
    Where no turn is known, because no face was found in it or in the photo, they are in one that says so.
    """
    sizes = table["degree"].abs()
    parts = {ALL: table}
    parts |= {f"|degree| {size:g}": table[sizes == size] for size in sorted(sizes.unique())}
    parts |= {f"degree {degree:+g}": table[table["degree"] == degree] for degree in sorted(table["degree"].unique())}
    edit = ["photo", "attribute", "degree"]
    baseline = table[table["method"] == BASELINE].set_index(edit)
    here = pd.MultiIndex.from_frame(table[edit])
    for column, label, unit, bounds, unknown in (
        ("yaw_turned", "turned", "°", TURNS, "turn unknown (no face found)"),
        ("band_share", "band", "", SHARES, "band unknown"),
    ):
        values = baseline[column].astype(float).abs().reindex(here).to_numpy()
        for low, high in itertools.pairwise((0.0, *bounds, np.inf)):
            name = f"{label} {low:g}{unit} or more" if high == np.inf else f"{label} {low:g} to {high:g}{unit}"
            rows = table[(values >= low) & (values < high)]
            if len(rows):
                parts[name] = rows
        if np.isnan(values).any():
            parts[unknown] = table[np.isnan(values)]
    return parts


def farthest(table: pd.DataFrame) -> str:
    """The stratum of the largest edits, where the ripples are."""
    return f"|degree| {table['degree'].abs().max():g}"


def summarise(table: pd.DataFrame, *, resamples: int = 2000, seed: int = 0, baseline: str = BASELINE) -> pd.DataFrame:
    """Means and paired differences against the baseline, each with a bootstrap 95 % interval.

    Pictures of one photo are no independent samples, and neither are portraits before one plate: values are first
    averaged within a photo, then plates are resampled and the photos of each (see ``resampling.bootstrap``). A
    difference pairs a method with the baseline on the same photo and degree; where either is missing the pair is left
    out, and ``pairs`` counts what is left. ``missing`` counts pictures for which the metric could not be measured (no
    face found, no band, no truth). ``p`` is that of Wilcoxon's signed-rank test on the plates' mean differences,
    two-sided; NaN with too few of them that are not 0.

    Where the truth is known, a metric whose best value is the truth's own, not 0, is compared by its distance to that
    (``aim`` "truth", ``distance`` its mean), on the pictures whose truth is known. Else values are compared: ``aim``
    says which are better, and is empty where neither are. PSNRs are averaged as squared errors, then made decibels.

    Returns a row for each stratum, method and metric, see ``SUMMARY_COLUMNS``. Same input and seed, same bytes.
    """
    if resamples < 1:
        raise ValueError(f"resamples: expected at least 1, found {resamples}")
    keys = [column.key for column in COLUMNS]
    records, plates = [], plates_of(table)
    for stratum, rows in strata(table).items():
        values = additive(rows.set_index(list(KEYS))[keys].astype(float))
        truth = truths(values)
        aim = aims(truth)
        reference = judged(values[values.index.get_level_values("method") == baseline].droplevel("method"), truth)
        for method in sorted(rows["method"].unique()):
            own: pd.DataFrame = values[values.index.get_level_values("method") == method].droplevel("method")
            compared = judged(own, truth)
            against: pd.DataFrame = reference.reindex(own.index)
            if method == baseline:
                against[:] = np.nan  # nothing is compared with itself
            both = compared.notna() & against.notna()
            of_photos, of_distances = own.groupby(level="photo").mean(), compared.groupby(level="photo").mean()
            of_pairs, of_reference = (part.where(both).groupby(level="photo").mean() for part in (compared, against))
            for key in keys:
                # Seeded by content, not by position: a new metric or method leaves the other intervals alone.
                crc = zlib.crc32(f"{seed}/{stratum}/{method}/{key}".encode())
                photos, pairs = of_photos[key].dropna(), of_pairs[key].dropna()
                behind, behind_pairs = plates[photos.index].tolist(), plates[pairs.index].tolist()
                made, base = pairs.to_numpy(), of_reference[key].dropna().to_numpy()
                measured = int(own[key].notna().sum())
                estimate, scale = (decibel_bootstrap, decibels) if BY_KEY[key].decibels else (bootstrap, np.asarray)
                records.append(
                    (
                        *(stratum, method, key, len(photos), len(set(behind)), measured, len(own) - measured),
                        *estimate(photos.to_numpy(), resamples, crc, behind),
                        of_distances[key].mean() if aim[key] == "truth" else np.nan,
                        int(both[key].sum()),
                        *estimate(made, resamples, crc, behind_pairs, minus=base),
                        signed_rank(scale(made) - scale(base), behind_pairs),
                        aim[key],
                    )
                )
    return pd.DataFrame(records, columns=list(SUMMARY_COLUMNS))


def metrics_json(
    summary: pd.DataFrame, sets: pd.DataFrame, put_aside: int, stratum: str = ALL
) -> dict[str, dict[str, float]]:
    """Method -> metric -> mean, for ``dvc metrics``; what could not be measured is left out. Rounded to 6 decimals.

    ``METRIC off truth`` is the mean distance to the truth's own value, where that is how the metric is judged.

    Each method also has ``without_face``, the number of its pictures in which no face was found, and its distances as
    a set (``sets``: a table of `sets.set_distances`). ``failures`` has ``put_aside``, the number of photos.
    """
    measured = summary[(summary["stratum"] == stratum) & summary["mean"].notna()]
    result: dict[str, dict[str, float]] = {}
    for method, metric, mean in measured[["method", "metric", "mean"]].itertuples(index=False):
        result.setdefault(str(method), {})[str(metric)] = round(float(mean), 6)
    for method, metric, off in measured.loc[measured["distance"].notna(), ["method", "metric", "distance"]].itertuples(
        index=False
    ):
        result[str(method)][f"{metric} off truth"] = round(float(off), 6)
    unseen = summary[(summary["stratum"] == stratum) & (summary["metric"] == "yaw")]
    for method, missing in unseen[["method", "missing"]].itertuples(index=False):
        result.setdefault(str(method), {})["without_face"] = int(missing)
    for row in sets.to_dict("records"):
        for name in ("kernel", "frechet"):
            if not np.isnan(row[name]):
                key = f"{name} {row['extractor']} to {row['reference']}, {row['stratum']}"
                result.setdefault(str(row["method"]), {})[key] = float(row[name])
    return result | {"failures": {"put_aside": put_aside}}


#: The summary row of a method that made no picture.
ABSENT: Mapping[Hashable, Any] = {
    **dict.fromkeys(("mean", "low", "high", "distance"), np.nan),
    **dict.fromkeys(("difference", "difference_low", "difference_high", "p"), np.nan),
    **dict.fromkeys(("photos", "plates", "pictures", "missing", "pairs"), 0),
    "aim": "",
}


def by_metric(rows: pd.DataFrame) -> dict[tuple[str, str], Mapping[Hashable, Any]]:
    """Summary rows of one stratum by (metric, method)."""
    return {(str(row["metric"]), str(row["method"])): row for row in rows.to_dict("records")}


def metric_text(column: Column, known: bool) -> str:
    """A metric's name as text, with its unit and which way is better; ``known``: whether the truth is."""
    return " ".join(filter(None, (column.short, column.unit and f"({column.unit})", column.sign(known))))


def mean_text(row: Mapping[Hashable, Any], column: Column) -> str:
    """The mean of a summary row as text; a dash where nothing was measured."""
    return "–" if np.isnan(row["mean"]) else f"{row['mean']:.{column.digits}f}"


def difference_text(row: Mapping[Hashable, Any], column: Column) -> str:
    """The paired difference of a summary row with its interval, as text; a dash where there are no pairs."""
    if np.isnan(row["difference"]):
        return "–"
    text = f"{row['difference']:+.{column.digits}f}"
    if np.isnan(row["difference_low"]):
        return text
    return f"{text} [{row['difference_low']:+.{column.digits}f}, {row['difference_high']:+.{column.digits}f}]"


def render(
    summary: pd.DataFrame,
    *,
    stratum: str = ALL,
    methods: Sequence[str] = (),
    every: bool = False,
    failed: int = 0,
) -> str:
    """The summary as plain text for a terminal: means, then paired differences; a line for each metric.

    ``methods``: their order (default: as in the summary); ``every``: all metrics, not only the headline;
    ``failed``: photos that were put aside, for the closing line.
    """
    rows = summary[summary["stratum"] == stratum]
    if rows.empty:
        names_known = ", ".join(map(repr, summary["stratum"].unique()))
        raise ValueError(f"stratum: expected one of {names_known}, found {stratum!r}")
    names = list(methods) or list(rows["method"].unique())
    others = [name for name in names if name not in (BASELINE, TRUTH)]
    found = by_metric(rows)
    known = known_photos(rows)
    counts: pd.Series[int] = rows.groupby("method")["photos"].max()
    means = [["Mean", *names], ["photos", *(str(counts.get(name, 0)) for name in names)]]
    differences = [[f"Minus {BASELINE}", *others]]
    for column in COLUMNS:
        if column.headline or every:
            label = metric_text(column, known > 0)
            means.append([label, *(mean_text(found.get((column.key, name), ABSENT), column) for name in names)])
            differences.append(
                [label, *(difference_text(found.get((column.key, name), ABSENT), column) for name in others)]
            )
    photos, pictures = int(counts.max()), int((rows["pictures"] + rows["missing"]).max())
    plates = int(rows["plates"].max())
    resampled = f" over {plates} backgrounds, resampled with their photos" if plates < photos else ""
    unseen = int(rows.loc[(rows["metric"] == "yaw") & (rows["method"] != TRUTH), "missing"].sum())
    return (
        f"{aligned(means)}\n{aligned(differences) if others else ''}\n"
        f"Stratum: {stratum}. Means over {photos} photos, {pictures} pictures for each method.\n"
        f"Differences are paired with {BASELINE}; in brackets their bootstrap 95 % interval{resampled}.\n"
        f"{textwrap.fill(goal_text(known, photos), 118)}\n"
        f"Pictures without a detected face: {unseen}. Photos put aside: {failed}.\n"
    )


def known_photos(rows: pd.DataFrame) -> int:
    """Of how many photos the true edit is known, by the summary rows of one stratum."""
    return int(rows.loc[rows["method"] == TRUTH, "photos"].max()) if (rows["method"] == TRUTH).any() else 0


def goal_text(known: int, photos: int) -> str:
    """What counts as better in a stratum of ``photos``, of which ``known`` have a known true edit."""
    if not known:
        return (
            "No true edit is known here. Less (↓) or more (↑) counts as better, though even a true edit would not have"
            " 0 everywhere."
        )
    whose = f"The true edits of {known} of {photos} photos are known" if known < photos else "The true edits are known"
    where = ", on these photos alone" if known < photos else ""
    return (
        f"{whose}: the column {TRUTH} has their own values. What is marked → {TRUTH} is judged by the distance to"
        f" those{where}, and its differences are of this distance: below 0 is nearer."
    )


def aligned(lines: list[list[str]]) -> str:
    """Columns under each other, a rule under the first line."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text) + "\n"
