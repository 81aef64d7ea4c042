"""The inversions' own table: closed forms, sets apart, and an edit that is undone."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import Rgb
from unripple.known_plate.portraits import example_photo
from unripple.metrics.inversion import consistency, edited_back, measure_inversion
from unripple.metrics.inversion_table import CONSISTENCY, KNOWN, LPIPS, REAL, inversion_text, summarise_inversion
from unripple.metrics.psnr import decibels, squared_errors
from unripple.report.side_tables import inversions
from unripple.settings.columns import ST_LPIPS
from unripple.weights.st_lpips import load_st_lpips

SIZE = 128


class NoFaces:
    """A stand-in for dlib that sees no face."""

    def measure(self, rgb: Rgb) -> None:
        """None."""


def test_a_copy_is_at_no_distance_and_a_step_of_grey_has_its_decibels() -> None:
    photo = np.random.default_rng(0).integers(20, 200, (SIZE, SIZE, 3)).astype(np.uint8)
    rows = measure_inversion(photo, {"e4e": photo + 10, "hfgi": photo.copy()}, load_st_lpips(), NoFaces())
    assert rows["hfgi"]["psnr"] == 100 and rows["hfgi"]["ssim"] == pytest.approx(1)
    assert rows["hfgi"][ST_LPIPS] == 0
    assert rows["e4e"]["psnr"] == pytest.approx(20 * np.log10(255 / 10))
    assert rows["e4e"]["ssim"] < 1
    assert np.isnan(rows["e4e"]["identity"])
    assert LPIPS not in rows["e4e"]  # whose trunk nobody fetched


def test_lpips_is_measured_where_its_trunk_is_there() -> None:
    photo = np.zeros((SIZE, SIZE, 3), np.uint8)

    def squared(a: Tensor, b: Tensor) -> Tensor:
        assert a.shape == b.shape == (1, 3, 256, 256)
        return (a - b).square().mean()[None, None, None, None]

    rows = measure_inversion(photo, {"e4e": photo + 51}, load_st_lpips(), NoFaces(), squared)
    assert rows["e4e"][LPIPS] == pytest.approx(0.4**2)


def test_the_same_face_is_the_same_person() -> None:
    photo = example_photo("astronaut")
    rows = measure_inversion(photo, {"e4e": photo.copy(), "hfgi": photo[:, ::-1].copy()}, load_st_lpips(), FaceMeter())
    assert rows["e4e"]["identity"] == 0
    assert 0 < rows["hfgi"]["identity"] < 0.6


def test_a_code_that_its_picture_keeps_comes_back_and_what_the_picture_loses_is_the_distance() -> None:
    # The encoder reads the code's only number, the grey level of the picture; the edit adds 3 steps of .1 to it.
    direction = torch.full((512,), 0.1)

    def encode(rgb: Tensor) -> Tensor:
        return rgb.mean().expand(1, 18, 512)

    start = np.full((18, 512), -0.1, np.float32)
    level = round((start[0, 0] + 0.3 + 1) * 127.5)
    picture = np.full((8, 8, 3), level, np.uint8)
    kept = consistency(start, edited_back(picture, encode, direction, 3.0))
    assert kept == pytest.approx(0, abs=0.5 / 127.5 * np.sqrt(18 * 512))
    lost = consistency(start, edited_back(picture, lambda rgb: encode(rgb) + 0.5, direction, 3.0))
    assert lost == pytest.approx(0.5 * np.sqrt(18 * 512), rel=0.02)
    with pytest.raises(ValueError, match="two of one shape"):
        consistency(start, start[:1])


def rows() -> list[dict[Hashable, Any]]:
    """Three portraits and a photo, and what undoing two edits of the portraits left."""
    photos = [(f"known-plate-{n:02d}", "coffee" if n else "grass", True, 20.0 + n) for n in range(3)]
    found: list[dict[Hashable, Any]] = []
    for photo, plate, known, psnr in [*photos, ("me", None, False, 90.0)]:
        about: dict[Hashable, Any] = {"photo": photo, "plate": plate, "known_plate": known}
        found += [{**about, "method": method, "psnr": psnr + more} for method, more in (("e4e", 0), ("hfgi", 5))]
        if known:
            found += [{**about, "method": "e4e", "degree": degree, CONSISTENCY: abs(degree)} for degree in (-1.5, 3.0)]
    return found


def test_the_summary_keeps_sets_and_degrees_apart() -> None:
    summary = summarise_inversion(rows(), resamples=100, seed=0)
    keys = ["set", "stratum", "method", "metric"]
    found = {tuple(row[key] for key in keys): row for row in summary.to_dict("records")}
    expected = decibels(np.mean(squared_errors([25, 26, 27])))
    assert found[KNOWN, "inversion", "hfgi", "psnr"]["mean"] == pytest.approx(expected)
    assert found[KNOWN, "inversion", "hfgi", "psnr"]["photos"] == 3
    assert found[KNOWN, "inversion", "hfgi", "psnr"]["plates"] == 2
    assert found[REAL, "inversion", "e4e", "psnr"]["mean"] == pytest.approx(90)
    assert np.isnan(found[REAL, "inversion", "e4e", "psnr"]["low"])
    assert found[KNOWN, "degree -1.5", "e4e", CONSISTENCY]["mean"] == 1.5
    assert found[KNOWN, "degree +3", "e4e", CONSISTENCY]["mean"] == 3
    assert len(summary) == 6


def test_text_and_page_tell_the_same_numbers() -> None:
    summary = summarise_inversion(rows(), resamples=100, seed=0)
    text = inversion_text(summary)
    assert "PSNR (dB) ↑                      20.92  25.92" in text
    assert "consistency (W+) ↓, degree +3    3.00   –" in text
    assert "Means over 3 known-plate portraits." in text and "Means over 1 real photo." in text
    known, real = inversions(summary)
    assert known.title == "Inversions" and real.title == ""
    assert [[cell.mean for cell in line.cells] for line in known.lines] == [
        ["20.92", "25.92"],
        ["1.50", "–"],
        ["3.00", "–"],
    ]
    assert [line.note for line in known.lines] == ["", "degree −1.5", "degree +3"]


def test_without_any_photo_there_is_an_empty_table() -> None:
    summary = summarise_inversion([], resamples=100, seed=0)
    assert summary.empty and inversion_text(summary) == "" and inversions(summary) == []
    pd.testing.assert_index_equal(summary.columns, summarise_inversion(rows(), resamples=100, seed=0).columns)
