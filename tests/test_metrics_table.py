"""One row and the table: what is NaN, what is paired, and that the bytes are the same twice."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from unripple.detectors.dlib_faces import Box, FaceMeasure, HeadPose
from unripple.files.pictures import Matte, Rgb
from unripple.metrics.measure import Exam, MetricNetworks
from unripple.metrics.psnr import CEILING, decibels
from unripple.metrics.resampling import signed_rank
from unripple.metrics.sets import DISTANCES
from unripple.metrics.table import ALL, farthest, metrics_json, metrics_table, render, strata, summarise
from unripple.settings.columns import BASELINE, COLUMNS, KEYS, PHOTO, ST_LPIPS, TRUTH
from unripple.weights.st_lpips import load_st_lpips

SIZE = 128


class BrightnessMeter:
    """A stand-in for dlib: the brighter a picture, the more it turns and smiles; a black one shows no face."""

    def __init__(self) -> None:
        self.calls = 0

    def measure(self, rgb: Rgb) -> FaceMeasure | None:
        self.calls += 1
        mean = float(rgb.mean())
        if mean == 0:
            return None
        descriptor = np.zeros(128)
        descriptor[0] = mean / 100
        pose = HeadPose(yaw=mean, pitch=0, roll=0)
        return FaceMeasure(Box(0, 0, 9, 9), np.zeros((68, 2)), descriptor, pose, smile=mean / 200, faces=1)


class Nobody:
    """A stand-in for BlazePose that sees nobody."""

    def measure(self, rgb: Rgb) -> Matte:
        return np.zeros(rgb.shape[:2], np.float32)


@pytest.fixture
def exam() -> Exam:
    rng = np.random.default_rng(0)
    photo, plate = (rng.integers(1, 256, (SIZE, SIZE, 3)).astype(np.uint8) for _ in range(2))
    before, after = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32)
    before[30:, 20:80] = 1
    after[30:, 50:110] = 1
    truth = np.where(after[..., None] > 0, photo, plate)
    return Exam(photo, e4e=plate, hfgi=photo, original=before, edited=after, truth=truth, networks=networks())


def networks() -> MetricNetworks:
    return MetricNetworks(faces=BrightnessMeter(), persons=Nobody(), st_lpips=load_st_lpips())


def test_the_truth_is_at_no_distance_from_itself(exam: Exam) -> None:
    assert exam.truth is not None
    row = exam.row(exam.truth, exam.regions.band)
    for region in ("whole", "band", "background", "person"):
        assert row[f"{ST_LPIPS}_{region}"] == 0
        assert row[f"psnr_{region}"] == CEILING
        assert row[f"ssim_{region}"] == pytest.approx(1, abs=1e-5)
    assert row["ripple_energy"] == pytest.approx(0, abs=1e-9) and row["seam"] == 1
    assert row["known_plate"] is True


def test_the_unmoved_photo_is_all_ripple_and_no_harm(exam: Exam) -> None:
    row = exam.row(exam.photo)
    assert row["ripple_energy"] == pytest.approx(1)
    assert row["inner_ripples"] > 0.5
    assert row["harm"] == 0
    assert row["fidelity_psnr"] == CEILING and row["fidelity_difference"] == 0
    assert row["identity"] == 0 and row["yaw_turned"] == 0 and row["yaw_shift"] == 0
    assert row["band_share"] == pytest.approx((SIZE - 30) * 30 / SIZE**2)


def test_harm_is_done_to_the_person_that_was_made(exam: Exam) -> None:
    assert exam.truth is not None
    nobody = dataclasses.replace(exam, made=np.zeros_like(exam.edited))
    assert exam.row(exam.truth)["harm"] == pytest.approx(
        dataclasses.replace(exam, made=exam.edited).row(exam.truth)["harm"]
    )
    assert np.isnan(nobody.row(exam.truth)["harm"])  # nobody there, nothing to measure


def test_every_row_has_every_column(exam: Exam) -> None:
    mask = exam.regions.band
    row = exam.row(exam.e4e, mask)
    assert {column.key for column in COLUMNS} <= set(row)
    assert not any(np.isnan(row[column.key]) for column in COLUMNS)


def test_without_a_truth_only_its_distances_are_missing(exam: Exam) -> None:
    row = replace(exam, truth=None).row(exam.hfgi, exam.regions.band)
    missing = {column.key for column in COLUMNS if np.isnan(row[column.key])}
    assert missing == {column.key for column in COLUMNS if "to the truth" in column.label}
    assert row["known_plate"] is False


def test_a_face_that_is_not_found_is_said_and_not_invented(exam: Exam) -> None:
    row = exam.row(np.zeros_like(exam.photo))
    assert row["face_found"] is False and row["photo_face_found"] is True
    assert all(np.isnan(row[key]) for key in ("identity", "yaw", "yaw_turned", "yaw_shift", "smile_gained"))


def test_yaw_and_smile_gained_count_in_the_direction_of_the_edit(exam: Exam) -> None:
    brighter = np.clip(exam.photo.astype(int) + 20, 0, 255).astype(np.uint8)  # to the meter: turned
    right, left = exam.row(brighter)["yaw_turned"], replace(exam, degree=-3.0).row(brighter)["yaw_turned"]
    assert right > 10 and left == -right
    assert exam.row(brighter)["yaw"] == replace(exam, degree=-3.0).row(brighter)["yaw"]
    smiles, sulks = exam.row(brighter)["smile_gained"], replace(exam, degree=-3.0).row(brighter)["smile_gained"]
    assert smiles == pytest.approx(right / 200) and sulks == -smiles


def test_a_face_is_measured_once(exam: Exam) -> None:
    exam.row(exam.hfgi)
    exam.row(exam.hfgi)
    assert isinstance(exam.networks.faces, BrightnessMeter)
    assert exam.networks.faces.calls == 1  # photo and baseline are the same picture here


def test_all_methods_in_one_pass_are_each_ones_own_row_and_the_truth_beside_them(exam: Exam) -> None:
    assert exam.truth is not None
    pictures = {"e4e": exam.e4e, BASELINE: exam.hfgi}
    found = exam.measure(pictures, exam.regions.band)
    assert list(found) == [*pictures, TRUTH]
    for name, rgb in {**pictures, TRUTH: exam.truth}.items():
        alone = exam.row(rgb, exam.regions.band)
        assert {key: found[name].row[key] for key in alone} == pytest.approx(alone, abs=1e-6)
    assert found[TRUTH].row[f"{ST_LPIPS}_band"] == 0
    assert found["e4e"].feature.shape == (256,) and np.ptp(found["e4e"].feature) > 0


def test_without_a_truth_the_photo_stands_beside_the_methods_with_a_feature_and_no_row(exam: Exam) -> None:
    found = replace(exam, truth=None).measure({BASELINE: exam.hfgi})
    assert list(found) == [BASELINE, PHOTO]
    assert found[PHOTO].row == {}
    assert np.array_equal(found[PHOTO].feature, found[BASELINE].feature)  # the same picture here


def test_the_share_of_a_person_is_that_of_the_band(exam: Exam) -> None:
    class Left(Nobody):
        def measure(self, rgb: Rgb) -> Matte:
            """Somebody in the left half of the band (columns 20 to 50 of the photo's person)."""
            return np.repeat((np.arange(SIZE) < 32)[None], SIZE, axis=0).astype(np.float32)

    seen = replace(exam, networks=replace(exam.networks, persons=Left()))
    columns = np.flatnonzero(exam.regions.band_core.any(axis=0))
    assert seen.row(exam.hfgi)["residual_person"] == pytest.approx((columns < 32).mean())
    assert exam.row(exam.hfgi)["residual_person"] == 0


def test_pictures_of_two_sizes_are_refused(exam: Exam) -> None:
    with pytest.raises(ValueError, match="one size"):
        replace(exam, e4e=exam.e4e[:-1])
    with pytest.raises(ValueError, match="mask: expected"):
        replace(exam, original=exam.original[:-1])


def rows(photos: int = 6, seed: int = 0) -> list[dict[str, object]]:
    """Every metric of ``ripple_inpaint`` is the baseline's less one, whatever the photo and the degree."""
    rng = np.random.default_rng(seed)
    made: list[dict[str, object]] = []
    for photo in range(photos):
        for degree in (-3.0, 1.5, 3.0):
            level = rng.normal(photo, 2)
            for method, offset in ((BASELINE, 0.0), ("ripple_inpaint", -1.0)):
                values = {column.key: level + offset for column in COLUMNS}
                made.append(
                    {"photo": f"face {photo}", "attribute": "pose", "degree": degree, "method": method, **values}
                )
    return made


def pick(summary: pd.DataFrame, method: str, metric: str = "harm", stratum: str = ALL) -> pd.Series:
    chosen = summary.query("stratum == @stratum and method == @method and metric == @metric")
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_a_constant_difference_has_an_interval_of_no_width() -> None:
    found = pick(summarise(metrics_table(rows())), "ripple_inpaint")
    assert found["difference"] == pytest.approx(-1)
    assert found["difference_low"] == pytest.approx(-1) and found["difference_high"] == pytest.approx(-1)
    assert found["low"] < found["mean"] < found["high"]
    assert found["pairs"] == 18 and found["photos"] == 6


def test_less_than_the_truth_is_no_gain_and_pairs_are_those_whose_truth_is_known() -> None:
    made = rows()
    goal = {str(row["photo"]): level for row, level in zip(made[::6], (0.0, 0.5, -0.5, -1.0, 3.0, 0.0), strict=True)}
    for row in made:
        row["residual_person"] = 1.0 if row["method"] == BASELINE else 0.0
    truths = [
        {**row, "method": TRUTH, "residual_person": goal[str(row["photo"])]}
        for row in made
        if row["method"] == BASELINE and row["photo"] != "face 5"  # whose truth is not known
    ]
    summary = summarise(metrics_table([*made, *truths]))
    found, base = (pick(summary, method, "residual_person") for method in ("ripple_inpaint", BASELINE))
    distances = np.abs([0.0, 0.5, -0.5, -1.0, 3.0])
    assert found["aim"] == "truth" and found["mean"] == 0 and base["mean"] == 1
    assert found["distance"] == pytest.approx(distances.mean())
    assert found["difference"] == pytest.approx((distances - np.abs([1.0, 0.5, 1.5, 2.0, 2.0])).mean())
    assert (found["photos"], found["pairs"]) == (6, 15)
    assert np.isnan(base["difference"]) and pick(summary, TRUTH, "residual_person")["distance"] == 0
    assert pick(summary, TRUTH, "residual_person")["photos"] == 5


def test_what_a_difference_speaks_of() -> None:
    made = rows()
    truths = [{**row, "method": TRUTH} for row in made if row["method"] == BASELINE]
    known, unknown = (
        {row["metric"]: row["aim"] for _, row in summarise(metrics_table(some), resamples=1).iterrows()}
        for some in ([*made, *truths], made)
    )
    assert {key for key, aim in known.items() if aim == "truth"} == {
        *("ripple_energy", "inner_ripples", "residual_person", "fidelity_difference", "seam", "identity"),
        *("yaw_turned", "smile_gained"),
    }
    assert {key for key, aim in known.items() if not aim} >= {"harm", "fidelity_psnr", "yaw", "band_share"}
    assert known["psnr_band"] == unknown["psnr_band"] == "higher"
    assert (unknown["harm"], unknown["residual_person"], unknown["seam"], unknown["yaw_turned"]) == (
        *("lower", "lower", "truth", ""),
    )


def test_psnrs_are_those_of_mean_squared_errors_intervals_and_pairs_too() -> None:
    errors = {BASELINE: [4.0, 100.0, 2500.0, 9.0], "ripple_inpaint": [1.0, 25.0, 625.0, 2.25]}
    made = [
        {"photo": f"{i}", "attribute": "pose", "degree": 3.0, "method": method, "psnr_band": float(decibels(error))}
        for method, several in errors.items()
        for i, error in enumerate(several)
    ]
    found = pick(summarise(metrics_table(made)), "ripple_inpaint", "psnr_band")
    assert found["mean"] == pytest.approx(10 * np.log10(255**2 / np.mean(errors["ripple_inpaint"])))
    # A quarter of the error in each photo is 6 dB, whichever photos are drawn.
    for part in ("difference", "difference_low", "difference_high"):
        assert found[part] == pytest.approx(10 * np.log10(4))
    best, worst = (float(decibels(error)) for error in (1.0, 625.0))
    assert worst <= found["low"] < found["mean"] < found["high"] <= best
    exact = [{**row, "psnr_band": CEILING} for row in made]
    assert pick(summarise(metrics_table(exact)), "ripple_inpaint", "psnr_band")["mean"] == CEILING


def test_one_copied_picture_does_not_lift_the_mean_of_ten() -> None:
    made = [
        {"photo": f"{i}", "attribute": "pose", "degree": 3.0, "method": BASELINE, "psnr_background": value}
        for i, value in enumerate([CEILING] + [20.0] * 9)
    ]
    found = pick(summarise(metrics_table(made)), BASELINE, "psnr_background")["mean"]
    assert found == pytest.approx(20 - 10 * np.log10(0.9))  # not 28, the mean of decibels


def test_the_bootstrap_covers_like_the_standard_error() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    made = [
        {"photo": f"{i:03}", "attribute": "pose", "degree": 3.0, "method": BASELINE, "harm": value}
        for i, value in enumerate(values)
    ]
    found = pick(summarise(metrics_table(made), resamples=4000), BASELINE)
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert found["mean"] == pytest.approx(values.mean())
    assert found["high"] - found["mean"] == pytest.approx(error, rel=0.1)
    assert found["mean"] - found["low"] == pytest.approx(error, rel=0.1)


def test_degrees_of_one_photo_are_no_independent_samples() -> None:
    once = rows(photos=4)
    often = [{**row, "degree": degree} for row in once for degree in (1, 2, 3) if row["degree"] == 3.0]
    narrow = summarise(metrics_table([row for row in once if row["degree"] == 3.0]))
    repeated = summarise(metrics_table(often))
    a, b = pick(narrow, BASELINE), pick(repeated, BASELINE)
    assert a["high"] - a["low"] == pytest.approx(b["high"] - b["low"])


def test_missing_values_are_counted_and_left_out_of_pairs() -> None:
    made = rows()
    made[0]["yaw"] = np.nan  # a baseline: its pair is lost
    found = summarise(metrics_table(made))
    assert pick(found, BASELINE, "yaw")["missing"] == 1
    assert pick(found, "ripple_inpaint", "yaw")["pairs"] == 17
    assert pick(found, "ripple_inpaint", "yaw")["difference"] == pytest.approx(-1)


def test_one_photo_has_a_mean_and_no_interval() -> None:
    found = pick(summarise(metrics_table(rows(photos=1))), "ripple_inpaint")
    assert np.isfinite(found["mean"]) and np.isnan(found["low"]) and np.isnan(found["difference_high"])


def test_the_signed_rank_test_is_exact_on_few_photos() -> None:
    assert signed_rank(np.array([1.0, 2, 3, 4, 5, 6])) == pytest.approx(2 / 2**6)
    assert signed_rank(np.array([-1.0, 2, 3, 4, 5, 6, 0])) == pytest.approx(4 / 2**6)
    assert 0.01 < signed_rank(-np.ones(6)) < 0.05  # ties: the normal approximation
    summary = summarise(metrics_table(rows(6)), resamples=10)
    assert pick(summary, "ripple_inpaint")["p"] < 0.05
    assert np.isnan(pick(summary, BASELINE)["p"])
    assert np.isnan(pick(summarise(metrics_table(rows(5)), resamples=10), "ripple_inpaint")["p"])
    assert np.isnan(signed_rank(np.zeros(20)))


def test_strata_by_head_turn_and_band_are_the_baselines() -> None:
    made = rows(4)
    for row in made:
        number = int(str(row["photo"])[-1])
        row["yaw_turned"] = (-20.0, 3.0, 8.0, np.nan)[number] if row["method"] == BASELINE else 99.0
        row["band_share"] = (0.01, 0.02, 0.04, 0.3)[number]
    found = strata(metrics_table(made))
    photos = {name: set(part["photo"]) for name, part in found.items() if name.startswith(("turn", "band"))}
    assert photos == {
        "turned 0 to 8°": {"face 1"},
        "turned 8 to 16°": {"face 2"},
        "turned 16° or more": {"face 0"},
        "turn unknown (no face found)": {"face 3"},
        "band 0 to 0.02": {"face 0"},
        "band 0.02 to 0.05": {"face 1", "face 2"},
        "band 0.05 or more": {"face 3"},
    }
    assert set(found["turned 16° or more"]["method"]) == {BASELINE, "ripple_inpaint"}


def test_strata_are_all_then_sizes_then_degrees() -> None:
    table = metrics_table(rows())
    assert [name for name in strata(table) if not name.startswith(("turned", "band"))] == [
        ALL,
        "|degree| 1.5",
        "|degree| 3",
        "degree -3",
        "degree +1.5",
        "degree +3",
    ]
    assert len(strata(table)["|degree| 3"]) == 2 * len(strata(table)["degree -3"])
    assert farthest(table) == "|degree| 3"


def test_the_table_does_not_depend_on_the_order_of_rows_and_repeats_its_bytes() -> None:
    made = rows()
    one, two = metrics_table(made), metrics_table(made[::-1])
    assert one.to_csv(index=False) == two.to_csv(index=False)
    assert summarise(one).to_csv(index=False) == summarise(two).to_csv(index=False)
    assert list(one.columns[: len(KEYS)]) == list(KEYS)


def test_another_method_leaves_the_other_intervals_alone() -> None:
    made = rows()
    more = [{**row, "method": "another"} for row in made if row["method"] == BASELINE]
    before, after = summarise(metrics_table(made)), summarise(metrics_table([*made, *more]))
    assert before.equals(after[after["method"] != "another"].reset_index(drop=True))


def test_twice_measured_or_unnamed_rows_are_refused() -> None:
    made = rows()
    with pytest.raises(ValueError, match="one row for each picture, found two for photo face 0"):
        metrics_table([*made, made[0]])
    with pytest.raises(ValueError, match="found none named photo"):
        metrics_table([{"attribute": "pose", "degree": 3, "method": BASELINE}])


def test_the_json_holds_means_and_no_nan() -> None:
    made = rows()
    for row in made:
        row["seam"] = np.nan
    made[0]["yaw"] = np.nan
    distances = pd.DataFrame(
        [("net", TRUTH, "|degree| 3", "ripple_inpaint", 200, 400, 0.5, 0.4, 0.6, np.nan)], columns=list(DISTANCES)
    )
    found = metrics_json(summarise(metrics_table(made)), distances, put_aside=2)
    assert set(found) == {BASELINE, "ripple_inpaint", "failures"}
    assert found["failures"] == {"put_aside": 2}
    assert found[BASELINE]["without_face"] == 1 and found["ripple_inpaint"]["without_face"] == 0
    assert found["ripple_inpaint"]["kernel net to truth, |degree| 3"] == 0.5
    assert not any(key.startswith("frechet") for key in found["ripple_inpaint"])
    assert "seam" not in found[BASELINE]
    assert found[BASELINE]["harm"] - found["ripple_inpaint"]["harm"] == pytest.approx(1, abs=2e-6)
    json.dumps(found, allow_nan=False)


def test_the_text_shows_means_differences_and_what_is_missing() -> None:
    made = rows()
    made[1]["yaw"] = np.nan
    summary = summarise(metrics_table(made))
    text = render(summary, methods=[BASELINE, "ripple_inpaint"], failed=2)
    assert "ripple energy ↓" in text and "PSNR band (dB) ↑" in text
    assert "-1.00 [-1.00, -1.00]" in text
    assert "Pictures without a detected face: 1. Photos put aside: 2." in text
    assert ST_LPIPS in text
    assert "seam" not in text and "seam" in render(summary, every=True)
    assert max(map(len, text.splitlines())) < 120
    with pytest.raises(ValueError, match="expected one of 'all'"):
        render(summary, stratum="degree +9")


def test_the_truth_has_a_column_and_no_differences_in_print() -> None:
    made = rows()
    made += [{**row, "method": TRUTH, "yaw": np.nan} for row in made if row["method"] == BASELINE]
    text = render(summarise(metrics_table(made)), methods=[BASELINE, "ripple_inpaint", TRUTH])
    means, differences = text.split(f"Minus {BASELINE}")
    assert TRUTH in means.splitlines()[0] and TRUTH not in differences.splitlines()[0]
    assert "Pictures without a detected face: 0." in text
    assert "the column truth has their own values" in text and "→ truth" in text
    assert means.splitlines()[2].split() == ["photos", "6", "6", "6"]


def test_each_column_says_its_number_of_photos_and_what_is_judged_on_fewer() -> None:
    made = rows()
    made += [{**row, "method": TRUTH} for row in made if row["method"] == BASELINE and row["photo"] != "face 5"]
    text = " ".join(render(summarise(metrics_table(made)), methods=[BASELINE, "ripple_inpaint", TRUTH]).split())
    assert "photos 6 6 5" in text
    assert "The true edits of 5 of 6 photos are known" in text and "on these photos alone" in text


def test_where_no_truth_is_known_the_text_says_so() -> None:
    text = render(summarise(metrics_table(rows())), methods=[BASELINE, "ripple_inpaint"])
    assert "No true edit is known here." in text and "→ truth" not in text


def test_a_method_that_made_nothing_is_a_column_of_dashes() -> None:
    text = render(summarise(metrics_table(rows())), methods=[BASELINE, "ripple_inpaint", "region_aware"])
    line = next(line for line in text.splitlines() if line.startswith("harm"))
    assert line.split()[-1] == "–"


def test_without_a_baseline_there_are_means_and_no_differences() -> None:
    found = pick(summarise(metrics_table([row for row in rows() if row["method"] != BASELINE])), "ripple_inpaint")
    assert np.isfinite(found["mean"]) and np.isnan(found["difference"]) and found["pairs"] == 0
