"""The bootstrap over plates and portraits: closed forms, and what clusters must and must not change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unripple.metrics.ranking import rank
from unripple.metrics.resampling import bootstrap, plates_of, signed_rank
from unripple.metrics.table import metrics_table, summarise
from unripple.settings.columns import COLUMNS

RESAMPLES = 2000


def plain(values: np.ndarray, seed: int) -> tuple[float, float, float]:
    """The textbook's bootstrap of independent values."""
    picks = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), (2.5, 97.5))
    return float(values.mean()), float(low), float(high)


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), seed=st.integers(0, 1000))
def test_with_one_portrait_a_plate_it_is_the_plain_bootstrap_to_the_last_digit(values: list[float], seed: int) -> None:
    sample = np.array(values)
    own = [f"plate {number}" for number in range(len(sample))]
    assert bootstrap(sample, RESAMPLES, seed, own) == bootstrap(sample, RESAMPLES, seed) == plain(sample, seed)


def test_one_plate_alone_tells_of_its_portraits() -> None:
    sample = np.arange(8.0)
    assert bootstrap(sample, RESAMPLES, 3, ["coffee"] * 8) == plain(sample, 3)


def width(interval: tuple[float, float, float]) -> float:
    return interval[2] - interval[1]


def test_equal_portraits_of_a_plate_are_worth_one() -> None:
    # Nothing varies within a plate, so 25 portraits say what one does: the interval is that of the plates alone.
    plates = np.random.default_rng(0).normal(size=12)
    sample, behind = np.repeat(plates, 25), [f"p{number}" for number in range(12) for _ in range(25)]
    assert bootstrap(sample, RESAMPLES, 1, behind) == pytest.approx(plain(plates, 1))
    assert width(bootstrap(sample, RESAMPLES, 1, behind)) == pytest.approx(5 * width(plain(sample, 1)), rel=0.15)


def test_its_width_is_that_of_both_sources_of_spread() -> None:
    # The variance of a resampled mean: that of the plates' means over their number, and that within them over all.
    rng = np.random.default_rng(2)
    sample = (rng.normal(0, 1, (30, 1)) + rng.normal(0, 1, (30, 20))).ravel()
    behind = [f"p{number}" for number in range(30) for _ in range(20)]
    of_plates = sample.reshape(30, 20)
    expected = of_plates.mean(axis=1).var() / 30 + of_plates.var(axis=1).mean() / 600
    found = width(bootstrap(sample, 20_000, 0, behind)) / (2 * 1.96)
    assert found == pytest.approx(np.sqrt(expected), rel=0.06)
    assert width(bootstrap(sample, RESAMPLES, 0, behind)) > 2 * width(bootstrap(sample, RESAMPLES, 0))


def test_unequal_plates_count_by_their_portraits() -> None:
    sample, behind = np.array([0.0, 1.0, 1.0, 1.0]), ["a", "b", "b", "b"]
    mean, low, high = bootstrap(sample, RESAMPLES, 0, behind)
    assert (mean, low, high) == (0.75, 0.0, 1.0)


def test_it_covers_the_truth_about_as_often_as_it_says_where_the_plain_one_does_not() -> None:
    rng = np.random.default_rng(5)
    behind = [f"p{number}" for number in range(12) for _ in range(10)]
    covered = {"clustered": 0, "plain": 0}
    for trial in range(200):
        sample = (rng.normal(0, 1, (12, 1)) + rng.normal(0, 1, (12, 10))).ravel()  # intraclass correlation .5
        for name, clusters in (("clustered", behind), ("plain", None)):
            _, low, high = bootstrap(sample, 400, trial, clusters)
            covered[name] += low <= 0 <= high
    assert covered["clustered"] > 0.88 * 200
    assert covered["plain"] < 0.7 * 200


def test_clusters_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one for each of 3 values, found 2"):
        bootstrap(np.arange(3.0), 100, 0, ["a", "b"])


def test_the_signed_rank_test_counts_plates() -> None:
    differences = np.repeat([1.0, 2, 3, 4, 5, 6], 10)
    behind = [f"p{number}" for number in range(6) for _ in range(10)]
    assert signed_rank(differences, behind) == pytest.approx(2 / 2**6)
    assert signed_rank(differences) < 1e-6
    assert np.isnan(signed_rank(differences[:50], behind[:50]))


def rows(plates: Sequence[str | None], shift: float = 0.0) -> pd.DataFrame:
    """Two methods over eight photos, whose ripple energy depends on the plate alone."""
    return metrics_table(
        {
            "photo": f"n{number}",
            "attribute": "pose",
            "degree": 3.0,
            "method": method,
            "plate": plate,
            **{column.key: np.nan for column in COLUMNS},
            "ripple_energy": float(number // 4) + gain + shift,
        }
        for number, plate in enumerate(plates)
        for method, gain in (("hfgi", 0.0), ("ripple_inpaint", float(number // 4)))
    )


def test_the_summary_resamples_plates_and_counts_them() -> None:
    of_plates = summarise(rows(["a"] * 4 + ["b"] * 4), resamples=500)
    of_photos = summarise(rows([None] * 8), resamples=500)
    found = [
        table[(table["stratum"] == "all") & (table["metric"] == "ripple_energy") & (table["method"] == method)].iloc[0]
        for table in (of_plates, of_photos)
        for method in ("hfgi", "ripple_inpaint")
    ]
    assert [one["plates"] for one in found] == [2, 2, 8, 8]
    assert (found[0]["low"], found[0]["high"]) == (0, 1)
    assert found[2]["high"] - found[2]["low"] < 0.8
    assert (found[1]["difference_low"], found[1]["difference_high"]) == (0, 1)
    assert 0 < found[3]["difference_low"] < found[3]["difference_high"] < 1


def test_a_ranking_resamples_plates() -> None:
    tables = [rows(["a"] * 4 + ["b"] * 4), rows(["a"] * 4 + ["b"] * 4, 0.5)]
    labels = [{"ripple.dilate": 4}, {"ripple.dilate": 8}]
    ranked = rank(tables, labels, ["ripple_inpaint"], "ripple_energy", reference=0, resamples=500)
    assert (ranked["high"] - ranked["low"]).tolist() == [2, 2]


def test_a_photo_without_a_plate_is_its_own() -> None:
    table = pd.DataFrame({"photo": ["a", "a", "b", "me"], "plate": ["coffee", "coffee", "grass", np.nan]})
    assert plates_of(table).to_dict() == {"a": "coffee", "b": "grass", "me": "me"}
    assert plates_of(table[["photo"]]).to_dict() == {"a": "a", "b": "b", "me": "me"}
