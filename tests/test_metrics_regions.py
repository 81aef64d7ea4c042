"""Whose mattes bound the regions, and what of a region is the photo itself."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
import pytest

from unripple.files.pictures import Matte, Rgb
from unripple.metrics.copied import copied
from unripple.metrics.measure import Exam, MetricNetworks
from unripple.metrics.regions import Judge, Regions, agreed, regions
from unripple.weights.st_lpips import load_st_lpips

SIZE = 128


def column(left: int, right: int) -> Matte:
    """A person from one column to another, over the whole height."""
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[:, left:right] = 1
    return matte


class NoFaces:
    """A stand-in for dlib that sees no face."""

    def measure(self, rgb: Rgb) -> None:
        """None."""


@dataclass
class Told:
    """A stand-in for BlazePose that knows the person of some pictures by their first pixel's level."""

    persons: dict[int, Matte]
    asked: list[int] = field(default_factory=list)

    def measure(self, rgb: Rgb) -> Matte:
        """The matte that it was told."""
        self.asked.append(int(rgb[0, 0, 0]))
        return self.persons[self.asked[-1]]


def level(value: int) -> Rgb:
    """A grey picture."""
    return np.full((SIZE, SIZE, 3), value, np.uint8)


PHOTO, E4E, HFGI, TRUE = 10, 20, 30, 40
#: The study's own person moves from 20..60 to 50..90; BlazePose's is 4 pixels narrower on its left.
OWN = regions(column(20, 60), column(50, 90))
FOUND = regions(column(24, 60), column(54, 90))


def exam(judge: Judge, truth: bool = True) -> tuple[Exam, Told]:
    told = Told({PHOTO: column(24, 60), TRUE: column(54, 90), E4E: column(54, 90), HFGI: column(24, 90)})
    networks = MetricNetworks(faces=NoFaces(), persons=told, st_lpips=load_st_lpips())
    return Exam(
        *(level(PHOTO), level(E4E), level(HFGI)),
        original=column(20, 60),
        edited=column(50, 90),
        networks=networks,
        truth=level(TRUE) if truth else None,
        made=column(50, 90),
        judge=judge,
    ), told


def same(one: Regions, other: Regions) -> bool:
    return all(np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(Regions))


def test_the_studys_own_mattes_ask_nobody() -> None:
    made, told = exam("study")
    assert same(made.regions, OWN)
    assert not told.asked


def test_blazepose_looks_at_the_photo_and_the_truth() -> None:
    made, told = exam("blazepose")
    assert same(made.regions, FOUND)
    assert told.asked == [PHOTO, TRUE]


def test_without_a_truth_it_looks_at_the_edit_that_has_no_ripples() -> None:
    made, told = exam("blazepose", truth=False)
    assert same(made.regions, FOUND)
    assert told.asked == [PHOTO, E4E]  # the baseline's ripples, 24..54, would be person to it


def test_where_both_agree_is_inside_what_each_says() -> None:
    made, _ = exam("agreed")
    assert same(made.regions, agreed(OWN, FOUND))
    for part in fields(Regions):
        one = getattr(made.regions, part.name)
        assert not (one & ~getattr(OWN, part.name)).any()
        assert not (one & ~getattr(FOUND, part.name)).any()
        assert one.any()
    assert same(agreed(OWN, OWN), OWN)


@pytest.mark.parametrize("judge", ["study", "blazepose", "agreed"])
def test_band_of_the_residual_person_and_edge_of_the_seam_are_the_studys(judge: Judge) -> None:
    # BlazePose's own band is by construction free of what it calls person in the truth: it would find nothing there.
    made, _ = exam(judge)
    row = made.row(level(HFGI), OWN.band)
    assert row["residual_person"] == pytest.approx((OWN.band_core & (column(24, 90) > 0)).sum() / OWN.band_core.sum())
    assert row["residual_person"] > 0.5
    assert row["seam"] == exam("study")[0].row(level(HFGI), OWN.band)["seam"]


def test_harm_that_the_studys_own_mattes_do_not_see_is_seen_by_another_judge() -> None:
    found = {}
    judges: tuple[Judge, ...] = ("study", "blazepose")
    for judge in judges:
        made, told = exam(judge)
        told.persons[E4E] = column(30, 90)  # to BlazePose the edited person reaches further to the left
        edit = level(HFGI)
        edit[:, 40:46] = 90
        found[judge] = made.row(edit)["harm"]
    assert found["study"] == 0
    assert found["blazepose"] > 1


def test_copied_pixels_are_counted_within_a_grey_level() -> None:
    photo = np.random.default_rng(0).integers(10, 240, (SIZE, SIZE, 3)).astype(np.uint8)
    edit, half = photo.copy(), np.zeros((SIZE, SIZE), bool)
    half[: SIZE // 2] = True
    assert copied(edit, photo, half) == 1
    edit[: SIZE // 4, :, 1] += 1
    assert copied(edit, photo, half) == 1
    edit[: SIZE // 4, :, 1] += 1
    assert copied(edit, photo, half) == 0.5
    assert copied(edit, photo, ~half) == 1
    assert np.isnan(copied(edit, photo, np.zeros_like(half)))


def test_the_row_says_how_much_of_each_region_is_copied() -> None:
    made, _ = exam("study")
    edit = level(HFGI)
    edit[OWN.background] = PHOTO
    row = made.row(edit)
    assert (row["copied_background"], row["copied_person"], row["copied_band"]) == (1, 0, 0)
