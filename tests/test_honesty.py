"""Can the table be fooled? Methods that cheat in a known way, and what the numbers must say of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from unripple.files.pictures import Matte, Rgb
from unripple.metrics.features import Features
from unripple.metrics.measure import Exam, MetricNetworks
from unripple.metrics.psnr import CEILING
from unripple.metrics.sets import set_distances
from unripple.metrics.table import ALL, metrics_table, summarise
from unripple.settings.columns import BASELINE, COLUMNS, KEYS, ST_LPIPS, TRUTH
from unripple.weights.st_lpips import load_st_lpips

SIZE, PHOTOS = 128, 6
#: How much of the old picture shines through in the baseline's band.
GHOST = 0.3


class NoFaces:
    """A stand-in for dlib that sees no face: what faces say is not asked here."""

    def measure(self, rgb: Rgb) -> None:
        """None."""


class Remembers:
    """A stand-in for BlazePose that calls person whatever looks like the picture it remembers."""

    def __init__(self, photo: Rgb) -> None:
        self.photo = photo

    def measure(self, rgb: Rgb) -> Matte:
        """1 where the mean difference around a pixel is below 4 grey levels."""
        difference = np.abs(rgb.astype(np.float32) - self.photo).mean(axis=2)
        return (cv2.GaussianBlur(difference, (0, 0), 3) < 4).astype(np.float32)


def texture(rng: np.random.Generator) -> Rgb:
    """A picture with structure at several scales."""
    layers = [cv2.resize(rng.normal(0, 1, (side, side, 3)), (SIZE, SIZE)) for side in (4, 16, 48)]
    picture = sum(layers) / 3
    return np.clip(127 + 60 * picture, 0, 255).astype(np.uint8)


def study(number: int, networks: MetricNetworks) -> Exam:
    """A person (a texture) who moves right before a plate; in the baseline's band the old place shines through."""
    rng = np.random.default_rng(number)
    person, plate = texture(rng), texture(rng)
    before, after = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.float32)
    before[30:, 15:75], after[30:, 50:110] = 1, 1
    photo = np.where(before[..., None] > 0, person, plate)
    truth = np.where(after[..., None] > 0, np.roll(person, 35, axis=1), plate)
    band = ((before > 0) & (after == 0))[..., None]
    hfgi = np.where(band, ((1 - GHOST) * truth + GHOST * photo).astype(np.uint8), truth)
    blurred = cv2.GaussianBlur(truth, (0, 0), 4).astype(np.uint8)
    knowing = replace(networks, persons=Remembers(photo))
    return Exam(photo, blurred, hfgi, original=before, edited=after, truth=truth, networks=knowing)


def true_of(exam: Exam) -> Rgb:
    assert exam.truth is not None
    return exam.truth


def flat_band(exam: Exam) -> Rgb:
    band = ((exam.original > 0) & (exam.edited == 0))[..., None]
    return np.where(band, np.uint8(true_of(exam).mean()), exam.hfgi)


def blurred_person(exam: Exam) -> Rgb:
    return np.where(exam.edited[..., None] > 0, cv2.GaussianBlur(exam.hfgi, (0, 0), 2), exam.hfgi)


def noisy_band(exam: Exam) -> Rgb:
    """The baseline, its ripples under noise of 40 grey levels."""
    band = ((exam.original > 0) & (exam.edited == 0))[..., None]
    noise = np.random.default_rng(0).normal(0, 40, exam.hfgi.shape)
    return np.where(band, np.clip(exam.hfgi + noise, 0, 255), exam.hfgi).astype(np.uint8)


METHODS: dict[str, Callable[[Exam], Rgb]] = {
    BASELINE: lambda exam: exam.hfgi,
    "copies the baseline": lambda exam: exam.hfgi.copy(),
    "copies the truth": true_of,
    "paints the band flat": flat_band,
    "hides ripples under noise": noisy_band,
    "blurs the person": blurred_person,
}


@pytest.fixture(scope="module")
def exams() -> list[Exam]:
    networks = MetricNetworks(
        faces=NoFaces(), persons=Remembers(np.zeros((SIZE, SIZE, 3), np.uint8)), st_lpips=load_st_lpips()
    )
    return [study(number, networks) for number in range(PHOTOS)]


@pytest.fixture(scope="module")
def summary(exams: list[Exam]) -> pd.DataFrame:
    rows = [
        {"photo": f"p{number}", "attribute": "pose", "degree": 3.0, "method": method, **found.row}
        for number, exam in enumerate(exams)
        for method, found in exam.measure(
            {method: make(exam) for method, make in METHODS.items()}, exam.regions.band
        ).items()
    ]
    return summarise(metrics_table(rows), resamples=200)


def said(summary: pd.DataFrame, method: str, metric: str) -> pd.Series:
    chosen = (summary["stratum"] == ALL) & (summary["method"] == method) & (summary["metric"] == metric)
    assert chosen.sum() == 1
    return summary[chosen].iloc[0]


def test_the_baseline_has_ripples_here(summary: pd.DataFrame) -> None:
    assert said(summary, BASELINE, "ripple_energy")["low"] > 0.02


def test_a_copy_of_the_baseline_differs_in_nothing(summary: pd.DataFrame) -> None:
    measured = 0
    for column in COLUMNS:
        row = said(summary, "copies the baseline", column.key)
        if row["pairs"]:
            measured += 1
            assert (row["difference"], row["difference_low"], row["difference_high"]) == (0, 0, 0), column.key
            assert np.isnan(row["p"]), column.key
    assert measured > 15


def test_the_truth_is_at_no_distance_and_has_no_ripples(summary: pd.DataFrame) -> None:
    for region in ("whole", "band", "background", "person"):
        assert said(summary, "copies the truth", f"{ST_LPIPS}_{region}")["mean"] == 0
        assert said(summary, "copies the truth", f"psnr_{region}")["mean"] == CEILING
    assert said(summary, "copies the truth", "ripple_energy")["mean"] == pytest.approx(0, abs=1e-9)
    assert said(summary, "copies the truth", "ripple_energy")["difference_high"] < 0
    assert said(summary, "copies the truth", "seam")["mean"] == 1


def test_the_baselines_energy_is_the_contrast_of_its_ghost(summary: pd.DataFrame) -> None:
    assert said(summary, BASELINE, "ripple_energy")["mean"] == pytest.approx(GHOST, abs=0.02)


def test_noise_hides_no_ripples_and_is_worse_all_the_same(summary: pd.DataFrame) -> None:
    assert said(summary, "hides ripples under noise", "ripple_energy")["mean"] > 0.85 * GHOST
    assert said(summary, "hides ripples under noise", "ripple_energy")["difference_high"] > -0.15 * GHOST
    for metric in ("psnr_band", "ssim_band"):
        assert said(summary, "hides ripples under noise", metric)["difference_high"] < 0
    assert said(summary, "hides ripples under noise", f"{ST_LPIPS}_band")["difference_low"] > 0


def test_a_flat_band_has_no_ripples_and_is_worse_all_the_same(summary: pd.DataFrame) -> None:
    # What is left is the step around the paint, which runs along the old outline.
    baseline = said(summary, BASELINE, "ripple_energy")["mean"]
    assert said(summary, "paints the band flat", "ripple_energy")["mean"] < 0.25 * baseline
    assert said(summary, "paints the band flat", f"{ST_LPIPS}_band")["difference_low"] > 0
    assert said(summary, "paints the band flat", "ssim_band")["difference_high"] < 0
    assert said(summary, "paints the band flat", "psnr_band")["difference_high"] < 0
    assert said(summary, "paints the band flat", "harm")["mean"] == 0


def test_the_reference_row_is_that_of_a_method_that_copies_the_truth(summary: pd.DataFrame) -> None:
    rows = {method: summary[summary["method"] == method] for method in (TRUTH, "copies the truth")}
    one, two = (rows[method].drop(columns="method").reset_index(drop=True) for method in rows)
    measures = ["stratum", "metric", "photos", "pictures", "missing", "mean", "pairs", "difference"]
    pd.testing.assert_frame_equal(one[measures], two[measures])


def test_a_person_left_in_the_band_is_seen_and_no_flat_paint_is_one(summary: pd.DataFrame, exams: list[Exam]) -> None:
    unmoved = [exam.row(exam.photo)["residual_person"] for exam in exams]
    assert min(unmoved) > 0.9
    assert said(summary, TRUTH, "residual_person")["mean"] < 0.05
    assert said(summary, "paints the band flat", "residual_person")["mean"] < 0.05


def test_paint_in_the_band_moves_no_person(summary: pd.DataFrame) -> None:
    for metric in ("inner_ripples", f"{ST_LPIPS}_person", "psnr_person"):
        difference = said(summary, "paints the band flat", metric)["difference"]
        # ST-LPIPS looks at surroundings, so a pixel near the band sees some of the paint.
        assert abs(difference) < 0.05, metric


def test_a_set_of_pictures_that_copies_the_truth_is_no_distance_away_and_a_flat_one_is(exams: list[Exam]) -> None:
    features = Features(exams[0].networks.extractor)
    for number, exam in enumerate(exams):
        found = exam.measure({method: make(exam) for method, make in METHODS.items()})
        edit = {"photo": f"p{number}", "attribute": "pose", "degree": 3.0}
        features.add(edit, {method: measured.feature for method, measured in found.items()})
    arrays = features.arrays()
    labels = pd.DataFrame({key: arrays[key] for key in KEYS})
    table = set_distances(labels, arrays["feature"], features.extractor, PHOTOS, PHOTOS).set_index("method")
    for name in ("kernel", "frechet"):
        distances = table[name].astype(float)
        assert distances["copies the truth"] == pytest.approx(0, abs=1e-5), name
        assert distances["copies the baseline"] == distances[BASELINE], name
        assert distances["paints the band flat"] > 3 * abs(distances[BASELINE]) > 0, name


def test_a_blurred_person_is_harm(summary: pd.DataFrame) -> None:
    assert said(summary, "blurs the person", "harm")["difference_low"] > 1
    assert said(summary, "blurs the person", "ripple_energy")["difference"] == pytest.approx(0, abs=0.01)
