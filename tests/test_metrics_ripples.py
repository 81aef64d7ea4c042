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
from unripple.metrics.ripple_energy import projection, ripple_energy, ripple_gradients
from unripple.metrics.seam import FLOOR, edge, seam, signed_distance

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


def energy(original: Rgb, edited: Rgb, band: Mask, truth: Rgb | None = None) -> float:
    known = None if truth is None else ripple_gradients(truth)
    return ripple_energy(ripple_gradients(original), ripple_gradients(edited), band, known)


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


@pytest.mark.parametrize("contrast", [0.2, 0.44, 1.0])
@pytest.mark.parametrize("strength", [10, 40, 80])
def test_noise_does_not_hide_a_copy(contrast: float, strength: float) -> None:
    photo = texture(5, contrast=0.5).astype(np.float64) - 128
    noise = np.random.default_rng(6).normal(0, strength, photo.shape)
    noisy = np.clip(128 + contrast * photo + noise, 0, 255).astype(np.uint8)
    # Noise beyond black and white is clipped, and takes some of the picture with it.
    assert 0.85 * contrast - 0.02 < energy((128 + photo).astype(np.uint8), noisy, BAND) < contrast + 0.04


def test_a_texture_as_strong_as_the_copy_over_it_does_not_hide_it() -> None:
    photo, other = (texture(seed, contrast=0.4).astype(int) - 128 for seed in (5, 6))
    both = (128 + photo + other).astype(np.uint8)
    assert energy((128 + photo).astype(np.uint8), both, BAND) == pytest.approx(1, abs=0.08)


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


@pytest.mark.parametrize("alike", [-0.4, 0.0, 0.4])
@pytest.mark.parametrize("ghost", [0.0, 0.15, 0.5, 1.0])
def test_a_plate_that_resembles_the_person_by_chance_neither_adds_nor_hides(alike: float, ghost: float) -> None:
    person, plate = (texture(seed, contrast=0.5).astype(np.float64) - 128 for seed in (20, 21))
    truth = 128 + alike * person + plate
    edited = (1 - ghost) * truth + ghost * (128 + person)
    photo, true, found = ((picture + 0.5).astype(np.uint8) for picture in (128 + person, truth, edited))
    assert energy(photo, found, BAND, true) == pytest.approx(ghost, abs=0.01)
    if abs(alike) > 0.1 and ghost == 0.15:  # without the truth the likeness counts, or hides the ghost
        assert abs(energy(photo, found, BAND) - ghost) > 0.1


def test_what_the_truth_brings_into_the_band_is_no_ripple_and_what_is_painted_instead_is_none() -> None:
    photo, truth = texture(22), texture(23)
    truth[100:200] = photo[100:200]  # hair that the turned head itself brings there
    assert energy(photo, truth, BAND, truth) == pytest.approx(0, abs=1e-9)
    assert energy(photo, truth, BAND) > 0.3
    assert energy(photo, FLAT, BAND, truth) == 0
    assert energy(photo, texture(24), BAND, truth) < 0.08
    assert energy(photo, photo, BAND, truth) == pytest.approx(1)


def test_a_flat_truth_explains_nothing_and_a_copy_of_the_photo_leaves_nothing_to_find() -> None:
    photo, other = texture(25), texture(26)
    assert energy(photo, other, BAND, FLAT) == energy(photo, other, BAND)
    assert np.isnan(energy(photo, other, BAND, photo))


def test_no_band_or_no_structure_means_no_value() -> None:
    photo = texture(11)
    assert np.isnan(energy(photo, photo, np.zeros_like(BAND)))
    assert np.isnan(energy(photo, photo, box(0, 4, 0, 4)))
    assert np.isnan(energy(FLAT, photo, BAND))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), other=st.integers(0, 10_000), contrast=st.floats(0.05, 3))
def test_the_energy_is_bounded(seed: int, other: int, contrast: float) -> None:
    a, b = ripple_gradients(texture(seed)), ripple_gradients(texture(other, contrast))
    assert 0 <= ripple_energy(a, b, BAND) <= 1
    assert projection(a, a, BAND) == pytest.approx(1)


def test_inner_ripples_are_zero_for_e4e_itself_and_a_ghosts_contrast() -> None:
    photo, e4e = texture(12), texture(13)
    assert inside(photo, e4e, e4e, BAND) == 0
    for contrast in (0.2, 0.5):
        ghost = np.clip(e4e + contrast * (photo.astype(float) - 128), 0, 255).astype(np.uint8)
        noisy = np.clip(ghost + np.random.default_rng(14).normal(0, 20, ghost.shape), 0, 255).astype(np.uint8)
        assert inside(photo, ghost, e4e, BAND) == pytest.approx(contrast, abs=0.03)
        assert inside(photo, noisy, e4e, BAND) == pytest.approx(contrast, abs=0.05)


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


EVERYWHERE = np.ones((SIZE, SIZE), bool)
PASTED = box(60, 200, 60, 200)


def pasted(picture: Rgb, step: int) -> Rgb:
    """The picture, brighter by a step inside the mask."""
    cut = picture.astype(int)
    cut[PASTED] += step
    return np.clip(cut, 0, 255).astype(np.uint8)


def step_alone(step: float) -> float:
    """Mean gradient at a step over the pixel on each side of it, which is the strip at this size."""
    row = np.zeros((1, 41), np.float32)
    row[0, 20:] = step
    smooth = cv2.GaussianBlur(row, (0, 0), 0.5)
    slope = np.abs(np.gradient(smooth[0]))
    return float(slope[19:21].mean())


def test_a_picture_that_equals_its_reference_has_a_seam_of_one() -> None:
    ramp = np.repeat(np.arange(SIZE, dtype=np.uint8)[None, :, None], SIZE, axis=0).repeat(3, axis=2)
    for picture in (FLAT, ramp, texture(14)):
        assert seam(picture, edge(picture, PASTED, EVERYWHERE)) == 1


@pytest.mark.parametrize("step", [5, 20, 60])
def test_a_step_over_a_flat_ground_is_its_gradient_over_the_floor(step: int) -> None:
    expected = (step_alone(step) + FLOOR) / FLOOR
    assert seam(pasted(FLAT, step), edge(FLAT, PASTED, EVERYWHERE)) == pytest.approx(expected, rel=0.06)


def test_the_same_step_is_the_same_seam_whatever_lies_off_the_edge() -> None:
    ground = texture(15, contrast=0.3)
    cut = pasted(ground, 25)
    found = seam(cut, edge(ground, PASTED, EVERYWHERE))
    rippled = cut.copy()
    rippled[68:192, 68:192] = np.clip(rippled[68:192, 68:192].astype(int) + 50, 0, 255)  # an old outline, 8 px inside
    assert found > 1.2
    assert seam(rippled, edge(ground, PASTED, EVERYWHERE)) == pytest.approx(found, rel=1e-3)


def test_a_step_is_less_over_a_rough_ground_and_a_smear_is_below_one() -> None:
    calm, rough = texture(14, contrast=0.1), texture(14, contrast=1.0)
    on_calm, on_rough = (seam(pasted(ground, 25), edge(ground, PASTED, EVERYWHERE)) for ground in (calm, rough))
    assert on_calm > on_rough > 1
    smeared = cv2.GaussianBlur(rough, (0, 0), 4).astype(np.uint8)
    assert seam(smeared, edge(rough, PASTED, EVERYWHERE)) < 0.7


def test_only_the_edge_that_is_known_counts() -> None:
    left = box(0, SIZE, 0, 130)[..., None]
    cut = np.where(left, pasted(FLAT, 30), FLAT)
    assert seam(cut, edge(FLAT, PASTED, box(0, SIZE, 140, SIZE))) == 1
    assert seam(cut, edge(FLAT, PASTED, EVERYWHERE)) > 10


def test_a_mask_without_an_edge_has_no_seam() -> None:
    nothing = ~EVERYWHERE
    assert np.isnan(seam(FLAT, edge(FLAT, nothing, EVERYWHERE)))
    assert np.isnan(seam(FLAT, edge(FLAT, EVERYWHERE, EVERYWHERE)))
    assert np.isnan(seam(FLAT, edge(FLAT, PASTED, nothing)))
