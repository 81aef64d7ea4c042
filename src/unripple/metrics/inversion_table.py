"""The table of inversions: means over photos, with their intervals."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from unripple.metrics.psnr import squared_errors
from unripple.metrics.resampling import bootstrap, decibel_bootstrap, plates_of
from unripple.metrics.table import aligned, metric_text
from unripple.settings.columns import ST_LPIPS, Column

LPIPS: Final = "lpips-alex"
CONSISTENCY: Final = "consistency"
#: Inversions that a study makes of each photo.
INVERSIONS: Final = ("e4e", "hfgi")
COLUMNS: Final = (
    Column("psnr", "PSNR to the photo", "PSNR", "dB", "higher", 2, decibels=True),
    Column("ssim", "SSIM to the photo", "SSIM", "", "higher", 3),
    Column(ST_LPIPS, "ST-LPIPS (Alex) to the photo", ST_LPIPS, "", "lower", 3),
    Column(LPIPS, "LPIPS (Alex) to the photo, at 256", LPIPS, "", "lower", 3),
    Column("identity", "Identity: dlib distance to the photo", "identity distance", "", "lower", 3),
    Column(CONSISTENCY, "Edited, inverted, edited back: distance in W+", "consistency (W+)", "", "lower", 2),
)
#: Columns of the summary. ``stratum``: ``inversion``, or the degree of the edit that was undone.
SUMMARY_COLUMNS: Final = ("set", "stratum", "method", "metric", "photos", "plates", "mean", "low", "high")
KNOWN, REAL = "known-plate portraits", "real photos"


def summarise_inversion(rows: Iterable[Mapping[Hashable, Any]], *, resamples: int, seed: int) -> pd.DataFrame:
    """Means over photos with their intervals, see ``SUMMARY_COLUMNS``; known-plate portraits and real photos apart.

    PSNRs are averaged as squared errors.

    ``rows``: ``photo, plate, known_plate, method``, the columns of what was measured, and for a consistency the
    ``degree``.
    """
    table = pd.DataFrame(list(rows))
    if table.empty:
        return pd.DataFrame(columns=list(SUMMARY_COLUMNS))
    degrees = table["degree"] if "degree" in table else pd.Series(np.nan, index=table.index)
    table = table.assign(
        stratum=["inversion" if np.isnan(one) else f"degree {one:+g}" for one in degrees.astype(float)]
    )
    plates, records = plates_of(table), []
    for known, name in ((True, KNOWN), (False, REAL)):
        own = table[table["known_plate"].eq(known)]
        for (stratum, method), part in own.groupby(["stratum", "method"], sort=False):
            for column in COLUMNS:
                values = part.set_index("photo")[column.key].dropna() if column.key in part else pd.Series(dtype=float)
                if len(values):
                    behind = plates[values.index].tolist()
                    numbers = values.to_numpy(dtype=np.float64)
                    if column.decibels:
                        interval = decibel_bootstrap(squared_errors(numbers), resamples, seed, behind)
                    else:
                        interval = bootstrap(numbers, resamples, seed, behind)
                    records.append((name, stratum, method, column.key, len(values), len(set(behind)), *interval))
    return pd.DataFrame(records, columns=list(SUMMARY_COLUMNS))


def inversion_text(summary: pd.DataFrame) -> str:
    """The means as plain text for a terminal, a block for each set of photos; a column for each inversion."""
    blocks = []
    for name, own in summary.groupby("set", sort=False):
        lines = [["Inversion against photo", *INVERSIONS]]
        for column in COLUMNS:
            for stratum, part in own[own["metric"] == column.key].groupby("stratum", sort=False):
                means = dict(zip(part["method"], part["mean"], strict=True))
                label = metric_text(column, False) + ("" if stratum == "inversion" else f", {stratum}")
                lines.append([label, *(_number(means.get(method), column) for method in INVERSIONS)])
        photos = int(own["photos"].max())
        whom = str(name) if photos > 1 else str(name).removesuffix("s")
        blocks.append(f"{aligned(lines)}\nMeans over {photos} {whom}.\n")
    return "\n".join(blocks)


def _number(mean: float | None, column: Column) -> str:
    return "–" if mean is None else f"{mean:.{column.digits}f}"
