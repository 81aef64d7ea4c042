"""Known-plate portraits and real photos, which are judged apart: their numbers are never averaged together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from unripple.metrics.table import (
    ABSENT,
    ALL,
    aligned,
    by_metric,
    difference_text,
    farthest,
    mean_text,
    metric_text,
    summarise,
)
from unripple.settings.columns import BASELINE, BY_KEY, TRUTH

#: What can be said of a photo whose true edit nobody knows, in the order of its table.
WITHOUT_TRUTH: Final = (
    "ripple_energy",
    "residual_person",
    "fidelity_psnr",
    "fidelity_difference",
    "seam",
    "identity",
    "yaw_turned",
)


def with_truth(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a study's main table: its known-plate portraits, or where it has none all that it has."""
    known = _known(table)
    return table[known] if known.any() else table


def real_photos(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the photos whose true edit is not known."""
    return table[~_known(table)]


def summarise_real(table: pd.DataFrame, *, resamples: int, seed: int) -> pd.DataFrame:
    """The summary of a study's real photos, see ``table.summarise``: all degrees and each size of them.

    Only the metrics ``WITHOUT_TRUTH``; no rows where the study has no real photos.
    """
    summary = summarise(real_photos(table), resamples=resamples, seed=seed)
    told = (summary["stratum"] == ALL) | summary["stratum"].str.startswith("|degree|")
    return summary[told & summary["metric"].isin(WITHOUT_TRUTH)].reset_index(drop=True)


def real_text(summary: pd.DataFrame, table: pd.DataFrame, methods: Sequence[str]) -> str:
    """The real photos at their largest edits as plain text; nothing where there are none.

    ``summary``: of `summarise_real`; ``table``: all rows; ``methods``: the columns, in order.
    """
    if summary.empty:
        return ""
    stratum = farthest(real_photos(table))
    found = by_metric(summary[summary["stratum"] == stratum])
    names = [name for name in methods if name != TRUTH]
    others = [name for name in names if name != BASELINE]
    means, differences = [["Mean", *names]], [[f"Minus {BASELINE}", *others]]
    for key in WITHOUT_TRUTH:
        column, rows = BY_KEY[key], {name: found.get((key, name), ABSENT) for name in names}
        means.append([metric_text(column, False), *(mean_text(rows[name], column) for name in names)])
        differences.append([metric_text(column, False), *(difference_text(rows[name], column) for name in others)])
    photos = int(summary["photos"].max())
    return (
        f"{aligned(means)}\n{aligned(differences) if others else ''}\n"
        f"Real photos ({photos}), whose true edits nobody knows. Stratum: {stratum}.\n"
    )


def _known(table: pd.DataFrame) -> pd.Series[bool]:
    if "known_plate" not in table:
        return pd.Series(False, index=table.index)
    return table["known_plate"].eq(True)  # and neither False nor missing
