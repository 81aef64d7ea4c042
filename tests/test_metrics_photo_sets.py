"""Known-plate portraits and real photos are never averaged together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from unripple.metrics.photo_sets import WITHOUT_TRUTH, real_photos, real_text, summarise_real, with_truth
from unripple.metrics.ranking import rank
from unripple.metrics.table import metrics_table, summarise
from unripple.report.side_tables import real_photos as side_tables
from unripple.settings.columns import COLUMNS

METHODS = ("hfgi", "ripple_inpaint")


def study(known: int, real: int) -> pd.DataFrame:
    """Known-plate portraits whose every metric is 1, real photos whose every metric is 100; ripple inpaint has half."""
    photos = [(f"known-plate-{n:02d}", True, 1.0) for n in range(known)] + [
        (f"me{n}", False, 100.0) for n in range(real)
    ]
    rows = [
        {
            **{"photo": photo, "attribute": "pose", "degree": degree, "method": method, "known_plate": truth},
            "plate": "coffee" if truth else np.nan,
            **{column.key: value * share for column in COLUMNS},
        }
        for photo, truth, value in photos
        for degree in (-3.0, 1.5)
        for method, share in (("hfgi", 1.0), ("ripple_inpaint", 0.5), *([("truth", 0.0)] if truth else []))
    ]
    return metrics_table(rows)


def mean(summary: pd.DataFrame, method: str, metric: str, stratum: str = "all") -> float:
    chosen = (summary["stratum"] == stratum) & (summary["method"] == method) & (summary["metric"] == metric)
    return float(summary[chosen]["mean"].item())


def test_no_mean_mixes_the_two() -> None:
    table = study(3, 2)
    main, real = summarise(with_truth(table), resamples=100), summarise_real(table, resamples=100, seed=0)
    assert {round(mean(main, "hfgi", column.key), 9) for column in COLUMNS} == {1.0}
    assert {mean(real, "hfgi", key) for key in WITHOUT_TRUTH} == {100.0}
    assert set(real["metric"]) == set(WITHOUT_TRUTH)
    assert set(real["stratum"]) == {"all", "|degree| 1.5", "|degree| 3"}
    assert real["photos"].max() == 2 and main["photos"].max() == 3
    assert "truth" not in set(real["method"])


def test_a_study_of_real_photos_alone_has_them_in_its_main_table() -> None:
    table = study(0, 2)
    assert len(with_truth(table)) == len(real_photos(table)) == len(table)
    main = summarise(with_truth(table), resamples=100)
    assert side_tables(summarise_real(table, resamples=100, seed=0), main, METHODS) == []


def test_a_study_without_real_photos_has_no_such_table() -> None:
    table = study(2, 0)
    real = summarise_real(table, resamples=100, seed=0)
    assert real.empty and list(real.columns)[:3] == ["stratum", "method", "metric"]
    assert real_text(real, table, METHODS) == ""
    assert side_tables(real, summarise(table, resamples=100), METHODS) == []


def test_the_text_tells_the_largest_edits_of_real_photos() -> None:
    table = study(2, 1)
    text = real_text(summarise_real(table, resamples=100, seed=0), table, [*METHODS, "truth"])
    assert "Real photos (1)" in text and "|degree| 3" in text and "truth" not in text.replace("true", "")
    energy, difference = (line.split("↓")[1].split() for line in text.splitlines() if line.startswith("ripple energy"))
    assert energy == ["100.000", "50.000"] and difference == ["-50.000"]


def test_the_page_has_a_table_for_each_size_of_the_edit_the_largest_first() -> None:
    table = study(2, 3)
    far, near = side_tables(
        summarise_real(table, resamples=100, seed=0), summarise(with_truth(table), resamples=100), METHODS
    )
    assert far.caption.startswith("|degree| 3: 3 photos") and near.caption.startswith("|degree| 1.5: 3 photos")
    assert far.title == "Real photos" and near.title == ""
    energy = far.lines[0]
    assert [cell.mean for cell in energy.cells] == ["100.000", "50.000"]
    assert energy.cells[0].difference == "" and energy.cells[1].difference.startswith("−50.000")


@pytest.mark.parametrize("metric", ["ripple_energy", "ssim_band"])
def test_settings_are_ranked_by_portraits_with_a_truth(metric: str) -> None:
    labels = [{"ripple.dilate": 4}, {"ripple.dilate": 8}]
    ranked = rank([study(2, 2), study(2, 2)], labels, ["ripple_inpaint"], metric, resamples=100)
    assert ranked["mean"].tolist() == [0.5] and ranked["photos"].tolist() == [2]
    alone = rank([study(0, 2), study(0, 2)], labels, ["ripple_inpaint"], metric, resamples=100)
    assert alone["mean"].tolist() == [50.0]
