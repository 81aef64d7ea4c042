"""Intervals and tests over photos, of which those before one plate are no independent samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from unripple.metrics.psnr import decibels

#: Fewest differences for a signed-rank test: with 5 the smallest two-sided p is .0625.
FEWEST = 6
Values = npt.NDArray[np.float64]
#: What each value of a sample belongs to; None where each stands for itself.
Clusters = Sequence[str] | None


def plates_of(table: pd.DataFrame) -> pd.Series[str]:
    """Photo -> the photograph behind it. A real photo has its own background, and is its own plate.

    ``table``: rows with ``photo`` and, where known-plate portraits are among them, ``plate``.
    """
    photos = table["photo"].astype(str)
    plates = photos if "plate" not in table else table["plate"].where(table["plate"].notna(), photos)
    return pd.Series(plates.to_numpy(), index=photos.to_numpy()).groupby(level=0).first()


def bootstrap(
    values: Values, resamples: int, seed: int, clusters: Clusters = None, *, minus: Values | None = None
) -> tuple[float, float, float]:
    """Mean and its 95 % percentile interval, see `resampled_means`; NaN where there is nothing to say.

    ``minus``: what is subtracted, value by value.
    """
    return _interval(lambda drawn: drawn, values if minus is None else values - minus, None, resamples, seed, clusters)


def decibel_bootstrap(
    values: Values, resamples: int, seed: int, clusters: Clusters = None, *, minus: Values | None = None
) -> tuple[float, float, float]:
    """The same of squared errors, in decibels of their mean; ``minus``: of the others' mean, over the same photos."""
    return _interval(decibels, values, minus, resamples, seed, clusters)


def _interval(
    scale: Callable[[Values], Values],
    values: Values,
    minus: Values | None,
    resamples: int,
    seed: int,
    clusters: Clusters,
) -> tuple[float, float, float]:
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    drawn = [
        scale(np.append(part.mean(), resampled_means(part, resamples, seed, clusters)))
        for part in (values, minus)
        if part is not None
    ]
    means = drawn[0] - drawn[1] if minus is not None else drawn[0]
    if len(values) == 1:  # One photo says nothing about the spread of photos.
        return float(means[0]), np.nan, np.nan
    low, high = np.percentile(means[1:], (2.5, 97.5))
    return float(means[0]), float(low), float(high)


def resampled_means(values: Values, resamples: int, seed: int, clusters: Clusters = None) -> Values:
    """Means of values drawn with replacement, ``(resamples,)``: the same ones for one seed and the same clusters.

    Clusters are drawn with replacement, then the values within each that was drawn. With clusters of one value that is
    the plain bootstrap, number for number. One cluster alone says nothing of others: its values are resampled then.
    """
    members = _members(len(values), clusters)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(members), size=(resamples, len(members)))
    sums = values[[member[0] for member in members]][drawn]
    for number, member in enumerate(members):
        if len(member) > 1:
            here = drawn == number
            picks = rng.integers(len(member), size=(int(here.sum()), len(member)))
            sums[here] = values[member][picks].sum(axis=1)
    sizes = np.array([len(member) for member in members])[drawn]
    return np.asarray(sums.sum(axis=1) / sizes.sum(axis=1), dtype=np.float64)


def signed_rank(differences: Values, clusters: Clusters = None) -> float:
    """Two-sided p of Wilcoxon's signed-rank test over the clusters' means, zeros left out; NaN with too few of them.

    Exact without ties and up to 50 differences, by the normal approximation otherwise.
    """
    if len(differences) == 0:
        return np.nan
    means = np.array([differences[member].mean() for member in _members(len(differences), clusters)])
    differing = means[means != 0]
    if len(differing) < FEWEST:
        return np.nan
    exact = len(differing) <= 50 and len(np.unique(np.abs(differing))) == len(differing)
    return float(stats.wilcoxon(differing, method="exact" if exact else "asymptotic").pvalue)


def _members(count: int, clusters: Clusters) -> list[npt.NDArray[np.intp]]:
    """The places of each cluster's values; of each value alone where there are no clusters, or only one."""
    if clusters is None or len(set(clusters)) < 2:
        return [np.array([place]) for place in range(count)]
    if len(clusters) != count:
        raise ValueError(f"clusters: expected one for each of {count} values, found {len(clusters)}")
    found: dict[str, list[int]] = {}
    for place, cluster in enumerate(clusters):
        found.setdefault(cluster, []).append(place)
    return [np.array(places) for places in found.values()]
