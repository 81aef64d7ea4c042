"""The three methods: what they may change and what not."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from unripple.files.tensors import to_uint8
from unripple.stages import composite
from unripple.stages.composite import bitwise_or, over, ripple_inpaint, settled, split_composite

SIZE = 64


def two_pictures(seed: int) -> tuple[Tensor, Tensor]:
    both = pictures(seed, 2)
    return both[:1], both[1:]


def pictures(seed: int, count: int) -> Tensor:
    """Smooth random pictures on 8-bit levels."""
    noise = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(noise, size=(SIZE, SIZE), mode="bilinear")
    return (smooth * 255).round() / 127.5 - 1


def soft_disc(x: float = 30, radius: float = 14, soft: float = 6, size: int = SIZE) -> Tensor:
    grid = torch.arange(size) + 0.5
    distance = torch.hypot(grid[None, :] - x, grid[:, None] - 34)
    return ((radius + soft / 2 - distance) / soft).clamp(0, 1)[None, None]


def band() -> Tensor:
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    mask[..., 10:60, 30:58] = True
    return mask


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 20))
def test_ripple_inpaint_changes_only_the_mask_and_never_the_person(seed: int, feather: float) -> None:
    hfgi, inpainted = two_pictures(seed)
    matte, mask = soft_disc(), band()
    cleaned = ripple_inpaint(hfgi, mask, inpainted, matte, feather)
    kept = (~mask | (matte >= 1 - composite.CONFIDENT)).expand_as(hfgi)
    assert torch.equal(cleaned[kept], hfgi[kept])


def test_ripple_inpaint_fills_the_middle_of_the_band() -> None:
    hfgi, inpainted = two_pictures(1)
    cleaned = ripple_inpaint(hfgi, band(), inpainted, soft_disc(), feather=16)
    background = band() & (soft_disc() == 0)
    assert torch.equal(cleaned[..., 20:50, 52], inpainted[..., 20:50, 52])
    assert background[..., 20:50, 52].all()


def test_no_ripple_is_left_beside_the_person_by_the_feather() -> None:
    # A person in black before a white ripple; the inpainted background is grey.
    matte, mask = soft_disc(soft=2), band()
    hfgi = torch.lerp(torch.ones(1, 3, SIZE, SIZE), -torch.ones(1, 3, SIZE, SIZE), matte)
    cleaned = ripple_inpaint(hfgi, mask, torch.zeros_like(hfgi), matte, feather=8 * 512 / SIZE)
    beside = mask & (matte == 0) & (soft_disc(radius=17) > 0) & (torch.arange(SIZE) > 40)
    assert beside.sum() > 20
    assert (cleaned[beside.expand_as(cleaned)] <= 1e-6).all()


def test_equal_pictures_compose_to_themselves() -> None:
    rgb = pictures(3, 1)
    assert torch.allclose(split_composite(rgb, soft_disc(), rgb), rgb, atol=0.25)
    outside = settled(soft_disc()) == 0
    assert torch.equal(split_composite(rgb, soft_disc(), rgb)[outside.expand_as(rgb)], rgb[outside.expand_as(rgb)])
    flat = torch.full_like(rgb, 0.3)
    assert torch.allclose(split_composite(flat, soft_disc(), flat), flat, atol=1e-3)
    assert torch.equal(ripple_inpaint(rgb, torch.zeros_like(band()), rgb, soft_disc()), rgb)


def test_over_is_exact_where_the_matte_is_sure() -> None:
    rgb, plate = two_pictures(4)
    matte = 0.03 + 0.94 * soft_disc()
    composed = over(rgb, matte, plate)
    person, background = (soft_disc() == 1).expand_as(rgb), (soft_disc() == 0).expand_as(rgb)
    assert torch.equal(composed[person], rgb[person])
    assert torch.equal(composed[background], plate[background])


def test_the_rim_takes_no_colour_from_the_old_background() -> None:
    size = 512  # the soft edge is within what `settled` leaves soft
    matte = soft_disc(x=200, radius=100, soft=8, size=size)
    red, green, blue = (
        torch.tensor(c).view(1, 3, 1, 1).expand(1, 3, size, size) for c in ([1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1])
    )
    mixed = torch.lerp(green, red, matte)
    ideal = torch.lerp(blue, red, settled(matte))
    naive = torch.lerp(blue, mixed, settled(matte))
    error = (over(mixed, matte, blue) - ideal).abs().max()
    assert error < 0.5 * (naive - ideal).abs().max()


def test_batch_order_does_not_matter() -> None:
    rgb, plate = pictures(5, 2), pictures(6, 2)
    matte = torch.cat([soft_disc(20), soft_disc(40)])
    assert torch.equal(over(rgb.flip(0), matte.flip(0), plate.flip(0)), over(rgb, matte, plate).flip(0))


def test_sizes_must_agree() -> None:
    rgb = pictures(7, 1)
    with pytest.raises(ValueError, match="one size"):
        over(rgb, soft_disc()[..., :32], rgb)


def test_bitwise_or_mixes_overlaps_and_leaves_the_band_black() -> None:
    edit, inversion = two_pictures(8)
    edited_person = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    original_person = edited_person.clone()
    edited_person[..., 10:40] = True
    original_person[..., 20:50] = True
    result = to_uint8(bitwise_or(edit, edited_person, inversion, original_person))[0]
    edit_levels, inversion_levels = to_uint8(edit)[0], to_uint8(inversion)[0]
    assert (result[:, :10] == inversion_levels[:, :10]).all()
    assert (result[:, 10:20] == (edit_levels | inversion_levels)[:, 10:20]).all()
    assert (result[:, 20:40] == edit_levels[:, 20:40]).all()
    assert (result[:, 40:50] == 0).all()
    assert (result[:, 50:] == inversion_levels[:, 50:]).all()


def test_settled_decides_grey_patches_but_not_the_edge() -> None:
    matte = soft_disc(x=200, radius=120, soft=8, size=512)
    patched = matte.clone()
    patched[..., 30:40, 195:205] = 0.6  # a doubt within the person
    patched[..., 400:440, 400:440] = 0.4  # and a cloud in the background
    assert torch.equal(settled(patched), settled(matte))
    edge = (matte > 0.1) & (matte < 0.9)
    assert ((settled(matte) > 0) & (settled(matte) < 1))[edge].all()
