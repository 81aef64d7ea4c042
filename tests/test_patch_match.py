"""PatchMatch as an inpainter: where it copies from, and that it always copies the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import patchmatch
import pytest

from unripple.files.pictures import Mask, signed
from unripple.stages.composite import Picture
from unripple.stages.inpaint import inpaint, telea
from unripple.stages.masks import dilate
from unripple.stages.patch_match import PATCH, patch_match

SIZE = 128


def weave(seed: int = 1) -> Picture:
    """A texture: blue noise over stripes, without any red in it."""
    noise = np.random.default_rng(seed).integers(0, 60, (SIZE, SIZE, 3), np.uint8)
    noise[:, ::8] += 120
    noise[..., 0] = 0
    return signed(noise)


def hole() -> Mask:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[40:100, 60:76] = True
    return mask


def nothing() -> Mask:
    return np.zeros((SIZE, SIZE), bool)


def reddish(rgb: Picture) -> Mask:
    return np.asarray(rgb[..., 0] > 0)


def test_the_fill_has_the_contrast_of_the_texture() -> None:
    torn = np.where(hole()[..., None], np.float32(1), weave())
    contrast = weave()[~hole()].std()
    shares = [inpaint(torn, hole(), model, 0)[hole()].std() / contrast for model in (patch_match(0), telea)]
    assert shares[0] > 0.8 > 0.7 > shares[1]


def test_same_input_gives_same_bytes_whatever_ran_before_or_beside() -> None:
    model, pictures = patch_match(24), [weave(seed) for seed in range(4)]
    alone = [model(rgb, hole(), nothing()) for rgb in pictures]
    patchmatch.set_random_seed(99)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda rgb: model(rgb, hole(), nothing()), reversed(pictures)))
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(alone, together[::-1])


def test_what_is_hidden_has_no_part_in_the_fill() -> None:
    hidden = nothing()
    hidden[30:110, 70:100] = True  # overlaps the hole
    rgb = np.where(hidden[..., None], np.array([1, -1, -1], np.float32), weave())
    other = np.where(hidden[..., None], np.array([1, 1, 1], np.float32), weave())
    model = patch_match(24)
    filled = model(rgb, hole(), hidden)
    wanted = hole() & ~hidden
    assert np.array_equal(filled[wanted], model(other, hole(), hidden)[wanted])
    assert np.array_equal(filled[~wanted], rgb[~wanted])
    # Where somebody asks for all of the hole, it is filled, and nothing hidden is seen.
    whole = inpaint(rgb, hole(), model, 0, hidden)
    assert np.array_equal(whole[hole()], inpaint(other, hole(), model, 0, hidden)[hole()])
    assert not reddish(whole)[hole()].any()


def test_the_ring_is_joined_but_not_copied() -> None:
    wide = nothing()
    wide[30:110, 48:80] = True
    fringe = dilate(wide, 6) & ~wide
    rgb = np.where(fringe[..., None], np.array([0.9, -0.9, -0.9], np.float32), weave())
    rim, inner = wide & dilate(~wide, 1), wide & ~dilate(~wide, 3)
    copied, joined = (patch_match(ring * 512 / SIZE)(rgb, wide, nothing()) for ring in (0, 6))
    assert reddish(copied)[inner].mean() > 0.3
    assert not reddish(joined)[inner].any()
    assert reddish(joined)[rim].mean() > 0.3


def test_a_ring_that_leaves_no_other_source_is_copied() -> None:
    assert np.array_equal(patch_match(10_000)(weave(), hole(), nothing()), patch_match(0)(weave(), hole(), nothing()))


def test_without_a_whole_patch_it_is_teleas() -> None:
    known = nothing()
    known[20 : 20 + 2 * PATCH, 20:90] = True
    rgb, hidden = weave(), ~known & ~hole()
    assert np.array_equal(patch_match(24)(rgb, hole(), hidden), telea(rgb, hole(), hidden))
    known[20 + 2 * PATCH, 20:90] = True
    hidden = ~known & ~hole()
    assert not np.array_equal(patch_match(24)(rgb, hole(), hidden), telea(rgb, hole(), hidden))


def test_outside_the_hole_nothing_changes_and_inside_all_is_filled() -> None:
    rgb = np.where(hole()[..., None], np.array([1, -1, -1], np.float32), weave())
    filled = patch_match(24)(rgb, hole(), nothing())
    assert np.array_equal(filled[~hole()], rgb[~hole()])
    assert not reddish(filled).any()


def test_a_system_without_the_library_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patchmatch, "patchmatch_available", False)
    with pytest.raises(RuntimeError, match=r"inpaint\.model = patchmatch: .* take inpaint\.model: telea"):
        patch_match(24)
