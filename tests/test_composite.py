"""The three methods: what they may change and what not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.files.pictures import Mask, Matte
from unripple.stages import composite
from unripple.stages.composite import Picture, bitwise_or, mixed, over, ripple_inpaint, settled, split_composite

SIZE = 64


def two_pictures(seed: int) -> tuple[Picture, Picture]:
    return picture(seed), picture(seed + 5000)


def picture(seed: int) -> Picture:
    """A smooth random picture on 8-bit levels."""
    noise = np.random.default_rng(seed).random((8, 8, 3), np.float32)
    smooth = np.clip(cv2.resize(noise, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR), 0, 1)
    return np.asarray((smooth * 255).round() / np.float32(127.5) - 1)


def soft_disc(x: float = 30, radius: float = 14, soft: float = 6, size: int = SIZE) -> Matte:
    grid = np.arange(size, dtype=np.float32) + np.float32(0.5)
    distance = np.hypot(grid[None, :] - x, grid[:, None] - 34)
    return np.clip((radius + soft / 2 - distance) / soft, 0, 1).astype(np.float32)


def flat(*colour: float, size: int = SIZE) -> Picture:
    return np.full((size, size, 3), colour, np.float32)


def band() -> Mask:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[10:60, 30:58] = True
    return mask


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 20))
def test_ripple_inpaint_changes_only_the_mask_and_never_the_person(seed: int, feather: float) -> None:
    hfgi, inpainted = two_pictures(seed)
    matte, mask = soft_disc(), band()
    cleaned = ripple_inpaint(hfgi, mask, inpainted, matte, feather)
    kept = ~mask | (matte >= 1 - composite.CONFIDENT)
    assert np.array_equal(cleaned[kept], hfgi[kept])


def test_ripple_inpaint_fills_the_middle_of_the_band() -> None:
    hfgi, inpainted = two_pictures(1)
    cleaned = ripple_inpaint(hfgi, band(), inpainted, soft_disc(), feather=16)
    background = band() & (soft_disc() == 0)
    assert np.array_equal(cleaned[20:50, 52], inpainted[20:50, 52])
    assert background[20:50, 52].all()


def test_no_ripple_is_left_beside_the_person_by_the_feather() -> None:
    # A person in black before a white ripple; the inpainted background is grey.
    matte, mask = soft_disc(soft=2), band()
    hfgi = mixed(flat(1, 1, 1), flat(-1, -1, -1), matte)
    cleaned = ripple_inpaint(hfgi, mask, flat(0, 0, 0), matte, feather=8 * 512 / SIZE)
    beside = mask & (matte == 0) & (soft_disc(radius=17) > 0) & (np.arange(SIZE) > 40)
    assert beside.sum() > 20
    assert (cleaned[beside] <= 1e-6).all()


def test_equal_pictures_compose_to_themselves() -> None:
    rgb = picture(3)
    assert np.allclose(split_composite(rgb, soft_disc(), rgb), rgb, atol=0.25)
    outside = settled(soft_disc()) == 0
    assert np.array_equal(split_composite(rgb, soft_disc(), rgb)[outside], rgb[outside])
    grey = flat(0.3, 0.3, 0.3)
    assert np.allclose(split_composite(grey, soft_disc(), grey), grey, atol=1e-3)
    assert np.array_equal(ripple_inpaint(rgb, np.zeros_like(band()), rgb, soft_disc()), rgb)


def test_over_is_exact_where_the_matte_is_sure() -> None:
    rgb, plate = two_pictures(4)
    matte = (0.03 + 0.94 * soft_disc()).astype(np.float32)
    composed = over(rgb, matte, plate)
    person, background = soft_disc() == 1, soft_disc() == 0
    assert np.array_equal(composed[person], rgb[person])
    assert np.array_equal(composed[background], plate[background])


def test_the_rim_takes_no_colour_from_the_old_background() -> None:
    size = 512  # the soft edge is within what `settled` leaves soft
    matte = soft_disc(x=200, radius=100, soft=8, size=size)
    red, green, blue = (flat(*colour, size=size) for colour in ((1, -1, -1), (-1, 1, -1), (-1, -1, 1)))
    seen = mixed(green, red, matte)
    ideal = mixed(blue, red, settled(matte))
    naive = mixed(blue, seen, settled(matte))
    error = np.abs(over(seen, matte, blue) - ideal).max()
    assert error < 0.5 * np.abs(naive - ideal).max()


def test_sizes_must_agree() -> None:
    rgb = picture(7)
    with pytest.raises(ValueError, match="one size"):
        over(rgb, soft_disc()[:, :32], rgb)


def test_bitwise_or_mixes_overlaps_and_leaves_the_band_black() -> None:
    edit, inversion = np.random.default_rng(8).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    edited_person, original_person = np.zeros((2, SIZE, SIZE), bool)
    edited_person[:, 10:40] = True
    original_person[:, 20:50] = True
    result = bitwise_or(edit, edited_person, inversion, original_person)
    assert (result[:, :10] == inversion[:, :10]).all()
    assert (result[:, 10:20] == (edit | inversion)[:, 10:20]).all()
    assert (result[:, 20:40] == edit[:, 20:40]).all()
    assert (result[:, 40:50] == 0).all()
    assert (result[:, 50:] == inversion[:, 50:]).all()


def test_settled_decides_grey_patches_but_not_the_edge() -> None:
    matte = soft_disc(x=200, radius=120, soft=8, size=512)
    patched = matte.copy()
    patched[30:40, 195:205] = 0.6  # a doubt within the person
    patched[400:440, 400:440] = 0.4  # and a cloud in the background
    assert np.array_equal(settled(patched), settled(matte))
    edge = (matte > 0.1) & (matte < 0.9)
    assert ((settled(matte) > 0) & (settled(matte) < 1))[edge].all()
