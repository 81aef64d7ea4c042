"""Ripple energy, ripples inside the person, seams and regions in closed-form cases."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.files.pictures import Mask, Matte, Rgb
from unripple.metrics.inner_ripples import inner_ripples
from unripple.metrics.regions import THRESHOLD, dilate, erode, regions, shrink
from unripple.metrics.ripple_energy import gradient_correlation, ripple_energy, ripple_gradients
from unripple.metrics.seam import seam, signed_distance

SIZE = 256


def texture(seed: int, contrast: float = 1.0, grain: float = 3.0) -> Rgb:
    """Smooth random texture around mid grey."""
    raw = np.random.default_rng(seed).standard_normal((SIZE, SIZE, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(raw, (0, 0), grain)
    return np.asarray(np.clip(128 + contrast * 40 * smooth / smooth.std(), 0, 255), dtype=np.uint8)


def box(top: int, bottom: int, left: int, right: int) -> Mask:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[top:bottom, left:right] = True
    return mask


def energy(original: Rgb, edited: Rgb, band: Mask) -> float:
    return ripple_energy(ripple_gradients(original), ripple_gradients(edited), band)


def inside(original: Rgb, edited: Rgb, e4e: Rgb, core: Mask) -> float:
    return inner_ripples(ripple_gradients(original), ripple_gradients(edited), ripple_gradients(e4e), core)


BAND = box(40, 220, 30, 110)
FLAT = np.full((SIZE, SIZE, 3), 90, np.uint8)


def test_a_copy_scores_one_and_a_flat_fill_zero() -> None:
    photo = texture(0)
    assert energy(photo, photo, BAND) == pytest.approx(1)
    assert energy(photo, FLAT, BAND) == 0


@pytest.mark.parametrize("contrast", [0.1, 0.3, 0.5, 0.8])
def test_a_faint_copy_scores_its_contrast(contrast: float) -> None:
    photo = texture(1)
    faint = np.round(128 + contrast * (photo.astype(np.float64) - 128)).astype(np.uint8)
    assert energy(photo, faint, BAND) == pytest.approx(contrast, abs=0.01)


def test_a_stronger_copy_is_still_one_and_a_negative_zero() -> None:
    photo = texture(2, contrast=0.25)
    strong = (128 + 2 * (photo.astype(int) - 128)).astype(np.uint8)
    assert energy(photo, strong, BAND) == pytest.approx(1, abs=0.01)
    assert energy(photo, (255 - photo).astype(np.uint8), BAND) == 0


def test_an_offset_in_brightness_does_not_hide_a_copy() -> None:
    photo = texture(3, contrast=0.5)
    assert energy(photo, (photo + 40).astype(np.uint8), BAND) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("seed", range(10, 20))
def test_an_unrelated_texture_scores_about_zero(seed: int) -> None:
    assert energy(texture(4), texture(seed), BAND) < 0.08


def test_a_copy_under_an_equal_texture_scores_one_over_root_two() -> None:
    photo, other = (texture(seed, contrast=0.4).astype(int) - 128 for seed in (5, 6))
    both = (128 + photo + other).astype(np.uint8)
    assert energy((128 + photo).astype(np.uint8), both, BAND) == pytest.approx(1 / np.sqrt(2), abs=0.05)


def test_what_lies_outside_the_band_does_not_count() -> None:
    photo = texture(7)
    edited = photo.copy()
    edited[dilate(BAND, 12)] = 90
    assert energy(photo, edited, BAND) == pytest.approx(0, abs=1e-6)


def test_a_shift_of_one_pixel_still_shows() -> None:
    photo = texture(8, grain=4.0)
    assert energy(photo, np.roll(photo, 1, axis=1), BAND) > 0.85


def test_the_true_edit_scores_zero_though_its_plate_is_textured() -> None:
    plate, person = texture(9), texture(10)
    before, after = box(30, 256, 40, 160), box(30, 256, 110, 220)
    photo, truth = np.where(before[..., None], person, plate), np.where(after[..., None], person, plate)
    core = regions(before.astype(np.float32), after.astype(np.float32)).band_core
    ghost = np.clip(truth + 0.5 * (photo.astype(float) - plate), 0, 255).astype(np.uint8)
    assert energy(photo, truth, core) < 0.08
    assert energy(photo, ghost, core) > 0.35


def test_no_band_or_no_structure_means_no_value() -> None:
    photo = texture(11)
    assert np.isnan(energy(photo, photo, np.zeros_like(BAND)))
    assert np.isnan(energy(photo, photo, box(0, 4, 0, 4)))
    assert np.isnan(energy(FLAT, photo, BAND))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), other=st.integers(0, 10_000), contrast=st.floats(0.05, 3))
def test_the_correlation_is_bounded(seed: int, other: int, contrast: float) -> None:
    a, b = ripple_gradients(texture(seed)), ripple_gradients(texture(other, contrast))
    assert -1 - 1e-9 <= gradient_correlation(a, b, BAND) <= 1 + 1e-9
    assert gradient_correlation(a, a, BAND) == pytest.approx(1)


def test_inner_ripples_are_zero_for_e4e_itself_and_rise_with_a_ghost() -> None:
    photo, e4e = texture(12), texture(13)
    ghost = np.clip(e4e + 0.5 * (photo.astype(float) - 128), 0, 255).astype(np.uint8)
    assert inside(photo, e4e, e4e, BAND) == 0
    assert inside(photo, ghost, e4e, BAND) == pytest.approx(1 / np.sqrt(1 + 4), abs=0.06)


def matte(mask: Mask) -> Matte:
    return mask.astype(np.float32)


def test_regions_partition_as_they_say() -> None:
    before, after = box(50, 250, 60, 160), box(50, 250, 100, 200)
    found = regions(matte(before), matte(after))
    assert (found.band == box(50, 250, 60, 100)).all()
    assert (found.person == after).all()
    assert not (found.background & dilate(before | after, 2)).any()
    assert not (found.band_core & dilate(after, 2)).any() and (found.band_core <= found.band).all()
    assert (found.person_core <= found.person).all() and found.person_core.any()
    assert not (found.band & found.person).any()
    assert found.whole.all()


def test_regions_use_the_threshold_and_refuse_two_sizes() -> None:
    low = np.full((32, 32), THRESHOLD - 0.01, np.float32)
    assert not regions(low, low).person.any()
    with pytest.raises(ValueError, match="one size"):
        regions(low, low[:-1])


def test_a_person_cut_by_the_frame_is_not_eroded_there() -> None:
    mask = box(100, SIZE, 50, 200)
    assert erode(mask, 5)[-1].any()
    assert not erode(mask, 5)[100].any()


def test_shrink_keeps_a_mask_by_area() -> None:
    mask = np.zeros((512, 512), bool)
    mask[:, :255] = True
    assert shrink(mask, 256)[:, :127].all()
    assert shrink(mask, 256)[:, 127].all()  # half of this column's area
    assert not shrink(mask, 256)[:, 128:].any()


def test_signed_distance_is_the_distance_to_a_straight_edge() -> None:
    mask = box(0, SIZE, 0, 100)
    assert (signed_distance(mask)[10] == np.arange(SIZE) - 99.5).all()


NOBODY = np.zeros((SIZE, SIZE), bool)


def test_a_smooth_picture_has_no_seam_and_a_cut_has_one() -> None:
    mask = box(60, 200, 60, 200)
    assert seam(FLAT, mask, NOBODY) == 1
    ramp = np.repeat(np.arange(SIZE, dtype=np.uint8)[None, :, None], SIZE, axis=0).repeat(3, axis=2)
    assert seam(ramp, mask, NOBODY) == pytest.approx(1, abs=0.1)
    cut = FLAT.copy()
    cut[mask] = 130
    assert seam(cut, mask, NOBODY) > 10


def test_a_seam_is_relative_to_its_surroundings() -> None:
    mask = box(60, 200, 60, 200)
    calm, rough = texture(14, contrast=0.1), texture(14, contrast=1.0)
    for picture in (calm, rough):
        picture[mask] = np.clip(picture[mask].astype(int) + 25, 0, 255).astype(np.uint8)
    assert seam(calm, mask, NOBODY) > seam(rough, mask, NOBODY) > 1


def test_the_outline_of_the_edited_person_is_no_seam() -> None:
    person, mask = box(60, 200, 120, 200), box(60, 200, 60, 120)
    picture = FLAT.copy()
    picture[person] = 200
    assert seam(picture, mask, person) == pytest.approx(1)
    assert seam(picture, mask, NOBODY) > 2


def test_a_mask_without_an_edge_has_no_seam() -> None:
    assert np.isnan(seam(FLAT, NOBODY, NOBODY))
    assert np.isnan(seam(FLAT, ~NOBODY, NOBODY))
    assert np.isnan(seam(FLAT, box(60, 200, 60, 200), ~NOBODY))
