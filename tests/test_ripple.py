"""The ripple mask and the geometry under it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unripple.files.pictures import Mask
from unripple.stages import masks, ripple
from unripple.stages.ripple import learned_mask, ripple_mask

SIZE = 64
people = hnp.arrays(np.bool_, (8, 8)).map(lambda cells: cells.repeat(SIZE // 8, axis=0).repeat(SIZE // 8, axis=1))
operations = st.sampled_from(["and_not", "xor", "or"])


def blank(size: int = SIZE) -> Mask:
    return np.zeros((size, size), bool)


def within(inner: Mask, outer: Mask) -> bool:
    return bool((inner & ~outer).sum() == 0)


@settings(max_examples=30, deadline=None)
@given(people, people)
def test_the_uncovered_band_is_in_the_mask_and_the_edited_interior_is_not(original: Mask, edited: Mask) -> None:
    mask = ripple_mask(original, edited, "and_not", dilate=40)
    assert within(original & ~edited, mask)
    assert within(mask & edited, ~masks.erode(edited, masks.scaled(ripple.SOFT_EDGE, edited)))


@settings(max_examples=30, deadline=None)
@given(people, people, operations)
def test_dilation_only_adds(original: Mask, edited: Mask, operation: ripple.Operation) -> None:
    sizes = [ripple_mask(original, edited, operation, dilate=width) for width in (0, 8, 40)]
    assert within(sizes[0], sizes[1])
    assert within(sizes[1], sizes[2])


@settings(max_examples=30, deadline=None)
@given(people, people, st.integers(0, 30))
def test_and_not_is_in_xor_is_in_or(original: Mask, edited: Mask, dilate: int) -> None:
    band, either, all_ = (ripple_mask(original, edited, name, dilate) for name in ("and_not", "xor", "or"))
    assert within(band, either)
    assert within(either, all_)


@given(people)
@settings(max_examples=20, deadline=None)
def test_nobody_moved_nothing_to_mend(person: Mask) -> None:
    for operation in ("and_not", "xor"):
        assert not ripple_mask(person, person, operation, dilate=20).any()


@pytest.mark.parametrize("gap", [1, 3, 4])
def test_a_band_near_the_border_reaches_it(gap: int) -> None:
    original = blank(512)
    original[100:200, gap : 512 - 60] = True
    mask = ripple_mask(original, blank(512), dilate=0)
    assert mask[100:200, 0].all()
    assert not mask[:100, 0].any()
    assert not mask[:, 512 - 60 :].any()


def test_a_band_in_a_corner_reaches_both_borders() -> None:
    original = blank(512)
    original[2:50, 3:50] = True
    assert ripple_mask(original, blank(512), dilate=0)[:50, :50].all()


def test_dilation_does_not_shrink_at_the_border() -> None:
    original = blank(512)
    original[100:200, :30] = True
    mask = ripple_mask(original, blank(512), dilate=10)
    assert mask[90:210, 0].all()
    assert mask[150, :].sum() == 40


def test_specks_go_and_pieces_stay() -> None:
    original = blank(512)
    original[100:104, 100:104] = True
    original[300:306, 300:306] = True
    mask = ripple_mask(original, blank(512), dilate=0)
    assert not mask[90:120, 90:120].any()
    assert mask.sum() == 36


def test_dilation_is_measured_at_512() -> None:
    for size in (256, 512, 1024):
        original = blank(size)
        original[size // 4 : size // 2, size // 4 : size // 2] = True
        mask = ripple_mask(original, blank(size), dilate=16)
        assert mask[3 * size // 8].sum() == size // 4 + 2 * 16 * size // 512


def test_a_learned_mask_is_what_was_found_cleaned_and_grown() -> None:
    found = np.zeros((512, 512), np.float32)
    found[100:140, 200:260] = ripple.SURE
    found[300:340, 200:260] = ripple.SURE - 0.01
    found[400:404, 400:404] = 1  # a speck
    found[200:240, 2:20] = 1
    mask = learned_mask(found, dilate=0)
    expected = blank(512)
    expected[100:140, 200:260] = expected[200:240, :20] = True
    assert np.array_equal(mask, expected)
    assert np.array_equal(learned_mask(found, dilate=6), masks.dilate(expected, 6))


def test_a_learned_mask_wants_one_picture() -> None:
    with pytest.raises(ValueError, match=r"found: expected bool \(H, W\), found bool \(1, 64, 64\)"):
        learned_mask(np.zeros((1, 64, 64), np.float32))


def test_person_mask_covers_the_person_and_a_rim() -> None:
    person = blank(512)
    person[200:, 150:350] = True
    mask = ripple.person_mask(person, dilate=5)
    assert within(person, mask)
    assert mask[400].sum() == 210


def test_wrong_operations_and_masks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'and'.*and_not, xor, or"):
        ripple_mask(blank(), blank(), "and")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"edited: expected bool .*float32"):
        ripple_mask(blank(), blank().astype(np.float32))
    with pytest.raises(ValueError, match=r"one size.*64.*32"):
        ripple_mask(blank(), blank(32))


def test_distances_are_euclidean_and_infinite_to_nothing() -> None:
    mask = blank(9)
    assert np.isinf(masks.distance_to(mask)).all()
    mask[0, 0] = True
    assert masks.distance_to(mask)[3, 4] == pytest.approx(5)
    assert masks.dilate(mask, 5).sum() == sum(x * x + y * y <= 25 for x in range(9) for y in range(9))


def test_erosion_leaves_the_border_of_the_picture() -> None:
    mask = blank(9)
    mask[:6, :] = True
    assert np.array_equal(masks.erode(mask, 2).sum(axis=0), np.full(9, 4))
    assert masks.erode(~blank(9), 3).all()


def test_a_ramp_rises_inside_the_mask_only() -> None:
    mask = blank(16)
    mask[:, 4:] = True
    ramp = masks.ramp(mask, 3)[8]
    assert np.allclose(ramp[:9], np.array([0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1]))
    assert np.array_equal(masks.ramp(mask, 0), mask.astype(float))


def test_a_halo_falls_outside_the_mask_only() -> None:
    mask = blank(16)
    mask[:, :4] = True
    halo = masks.halo(mask, 3)[8]
    assert np.allclose(halo[:9], np.array([1, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0]))
    assert not masks.halo(blank(16), 3).any()
