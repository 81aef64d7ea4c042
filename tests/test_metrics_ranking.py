"""Settings ranked: order, differences from the reference, and settings that make no difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unripple.metrics.ranking import rank, rank_text
from unripple.report.ranking_plot import draw_ranking
from unripple.settings.columns import TRUTH

LABELS = [{"ripple.dilate": dilate, "composite.feather": feather} for dilate in (4, 8) for feather in (2, 6)]
BAND = "st-lpips-alex_band"


def table(inpaint: float, split: float) -> pd.DataFrame:
    """Three photos at two degrees; a photo's value lies its number above the method's."""
    return pd.DataFrame(
        {
            "photo": f"p{photo}",
            "attribute": "pose",
            "degree": degree,
            "method": method,
            BAND: value + photo,
            "psnr_band": value + photo,
        }
        for photo in range(3)
        for degree in (-3.0, 3.0)
        for method, value in (("ripple_inpaint", inpaint), ("split_composite", split))
    )


#: ripple_inpaint depends on both settings, split_composite on the dilation alone.
TABLES = [table(10, 7), table(9, 7), table(12, 8), table(11, 8)]
METHODS = ["ripple_inpaint", "split_composite"]


def test_the_lowest_distance_is_first() -> None:
    ranking = rank(TABLES, LABELS, METHODS, BAND)
    assert ranking["mean"].tolist() == [8, 9, 10, 11, 12, 13]
    assert ranking["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert ranking["difference"].isna().all()


def test_the_highest_psnr_is_first() -> None:
    ranking = rank(TABLES, LABELS, METHODS, "psnr_band")
    assert ranking["method"].tolist() == [METHODS[0]] * 4 + [METHODS[1]] * 2
    assert ranking["mean"].is_monotonic_decreasing


def test_a_setting_that_changes_nothing_is_any() -> None:
    ranking = rank(TABLES, LABELS, METHODS, BAND)
    split = ranking[ranking["method"] == "split_composite"]
    assert split[["ripple.dilate", "composite.feather"]].to_numpy().tolist() == [["4", "any"], ["8", "any"]]
    assert (ranking["method"] == "ripple_inpaint").sum() == 4


def test_settings_that_change_together_are_never_any() -> None:
    labels = [{"ripple.dilate": 8, "inpaint.model": "lama"}, {"ripple.dilate": 15, "inpaint.model": "telea"}]
    for tables in ([table(10, 7), table(9, 7)], [table(10, 7), table(10, 7)]):
        ranking = rank(tables, labels, METHODS, BAND)
        assert sorted(ranking["ripple.dilate"]) == ["15", "15", "8", "8"]
        assert sorted(ranking["inpaint.model"]) == ["lama", "lama", "telea", "telea"]


def test_settings_are_ranked_on_the_pictures_that_all_measured() -> None:
    easy = table(9, 7).query("photo == 'p0'")  # the other photos, which are worse, were put aside here
    ranking = rank([table(10, 7), easy], [{"a.b": 1}, {"a.b": 2}], METHODS, BAND, reference=0)
    assert ranking["mean"].tolist() == [7, 9, 10]
    assert set(ranking["photos"]) == {1} and set(ranking["pictures"]) == {2}
    assert "Ranked on the 2 pictures" in rank_text(ranking, ["a.b"], BAND)
    other = easy.assign(photo="another")
    with pytest.raises(ValueError, match="found none among their 2, 6"):
        rank([table(10, 7), other], [{"a.b": 1}, {"a.b": 2}], METHODS, BAND)


def test_differences_are_paired_with_the_reference() -> None:
    rows = rank(TABLES, LABELS, METHODS, BAND, reference=2).to_dict("records")
    found = {(row["method"], row["ripple.dilate"], row["composite.feather"]): row for row in rows}
    other = found["ripple_inpaint", "4", "2"]
    assert [other[key] for key in ("difference", "difference_low", "difference_high")] == [-2, -2, -2]
    assert pd.isna(found["ripple_inpaint", "8", "2"]["difference"])
    assert found["split_composite", "8", "any"]["difference"] == 0


def with_truth(rows: pd.DataFrame, own: float, metric: str) -> pd.DataFrame:
    """The same table, its values those of another metric, with the truth's own."""
    rows = rows.rename(columns={BAND: metric}).drop(columns="psnr_band")
    truth = rows[rows["method"] == METHODS[0]].assign(method=TRUTH)
    return pd.concat([rows, truth.assign(**{metric: own})], ignore_index=True)


def test_the_nearest_to_the_truths_own_value_is_first() -> None:
    tables = [with_truth(one, 9.0, "residual_person") for one in TABLES]  # means of 11, 10, 13, 12 and 8, 8, 9, 9
    ranking = rank(tables, LABELS, METHODS, "residual_person", reference=2)
    best = ranking.iloc[0]
    assert (best["method"], best["ripple.dilate"]) == ("split_composite", "8")
    assert best["value"] == 9 and best["mean"] == pytest.approx(2 / 3)  # 8, 9 and 10 are 1, 0 and 1 away
    assert ranking["mean"].is_monotonic_increasing and not ranking["value"].is_monotonic_increasing
    text = rank_text(ranking, list(LABELS[0]), "residual_person")
    assert "off truth ↓" in text and "distance to the true edit's own value" in text
    lower = rank([one[one["method"] != TRUTH] for one in tables], LABELS, METHODS, "residual_person")
    assert lower.iloc[0]["ripple.dilate"] == "4" and "off truth" not in rank_text(lower, [], "residual_person")


def test_psnrs_are_those_of_mean_squared_errors() -> None:
    found = rank(TABLES, LABELS, METHODS, "psnr_band").iloc[0]
    expected = -10 * np.log10(np.mean([10 ** (-level / 10) for level in (12, 13, 14)]))
    assert found["mean"] == pytest.approx(expected) and found["mean"] < 13


def test_same_input_same_bytes(tmp_path: Path) -> None:
    texts = {rank(TABLES, LABELS, METHODS, BAND, reference=0).to_csv() for _ in range(2)}
    assert len(texts) == 1
    plots = []
    for name in ("a.png", "b.png"):
        draw_ranking(rank(TABLES, LABELS, METHODS, BAND), list(LABELS[0]), BAND, tmp_path / name)
        plots.append((tmp_path / name).read_bytes())
    assert plots[0] == plots[1]
    assert Image.open(tmp_path / "a.png").size[0] == 1080


def test_text_names_settings_and_what_is_measured() -> None:
    text = rank_text(rank(TABLES, LABELS, METHODS, BAND, reference=0), list(LABELS[0]), BAND)
    assert "ripple.dilate" in text and "any" in text
    assert "10.000 [9.000, 11.000]" in text
    assert "ST-LPIPS (Alex) to the truth, band, mean over 3 photos" in text


def test_nothing_measured_is_said() -> None:
    empty = TABLES[0].assign(**{BAND: float("nan")})
    with pytest.raises(ValueError, match="does the study know the truth"):
        rank([empty], [{"a": 1}], METHODS, BAND)


def test_a_metric_without_a_better_side_is_refused() -> None:
    with pytest.raises(ValueError, match="better direction"):
        rank(TABLES, LABELS, METHODS, "yaw")
