"""Where an after-image shows: pictures whose ghosts are known, because they were put there."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unripple.files.pictures import Mask, Rgb
from unripple.known_plate.after_image import KnownEdit, after_image, left_behind
from unripple.stages.masks import dilate, erode

SIZE = 256
#: How far the place that is found may be off at its border: the window, and what it sees.
OFF = 4


def texture(seed: int, contrast: float = 30.0) -> NDArray[np.float32]:
    """Random detail of some grey levels around 0."""
    raw = np.random.default_rng(seed).standard_normal((SIZE, SIZE, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(raw, (0, 0), 3)
    return np.asarray(contrast * smooth / smooth.std(), np.float32)


def box(left: int, right: int) -> Mask:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[60:200, left:right] = True
    return mask


def picture(*parts: NDArray[np.float32]) -> Rgb:
    """Mid grey and what is added to it."""
    return np.asarray(np.clip(np.round(128 + sum(parts)), 0, 255), np.uint8)


OLD, NEW = box(30, 100), box(150, 220)
PERSON = texture(0)
#: Detail of the person that the code lost: where the photo has it, and where the true edit has it.
LAY = PERSON * OLD[..., None]
WANTED = np.roll(LAY, 120, axis=1)
NOTHING = np.zeros_like(LAY)


def known(
    put: NDArray[np.float32], *, lay: NDArray[np.float32] = LAY, wanted: NDArray[np.float32] = WANTED
) -> KnownEdit:
    """An edit to which HFGI added ``put``; the low-rate pictures are flat."""
    flat = picture(NOTHING)
    return KnownEdit(picture(lay), flat, picture(put), flat, picture(wanted))


def test_the_boxes_are_apart() -> None:
    assert np.array_equal(WANTED != 0, np.roll(LAY != 0, 120, axis=1))
    assert not (dilate(OLD, 20) & NEW).any()


@pytest.mark.parametrize("strength", [0.6, 0.8, 1.0])
def test_a_ghost_is_found_at_its_place_with_its_strength(strength: float) -> None:
    edit = known(WANTED + strength * LAY)
    share, contrast = left_behind(edit)
    core = erode(OLD, 12)
    assert share[core] == pytest.approx(strength, abs=0.03)
    spread = float(np.sqrt(np.square(LAY[core]).mean()))
    assert contrast[core].mean() == pytest.approx(strength * spread, rel=0.1)
    found = after_image(edit)
    # Where the person's own detail crosses zero, photo and truth do not differ.
    assert found[erode(OLD, OFF)].mean() > 0.85
    assert not (found & ~dilate(OLD, OFF)).any()


@pytest.mark.parametrize("strength", [0.2, 0.4])
def test_a_small_share_is_no_after_image(strength: float) -> None:
    assert not after_image(known(WANTED + strength * LAY)).any()


@pytest.mark.parametrize(("contrast", "seen"), [(4.0, 0.0), (16.0, 1.0)])
def test_a_ghost_too_faint_to_be_seen_is_none(contrast: float, seen: float) -> None:
    """The old person, whom the code knows but for some detail, is dark before the grey plate."""
    head, detail = np.where(OLD[..., None], -60.0, NOTHING), contrast / 30 * LAY
    ghost = replace(known(detail, lay=head + detail, wanted=NOTHING), inversion=picture(head))
    assert after_image(ghost)[erode(OLD, OFF)].mean() == pytest.approx(seen, abs=0.02)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_a_clean_edit_has_nothing(strength: float) -> None:
    edit = known(strength * WANTED)
    assert np.abs(left_behind(edit)[0]).max() < 0.05
    assert not after_image(edit).any()


def test_a_clean_edit_has_nothing_whatever_the_low_rate_pictures_look_like() -> None:
    off = known(WANTED)
    off = replace(off, inversion=picture(texture(1)), low_rate_edit=picture(texture(2)))
    assert not after_image(off).any()


def test_an_edit_without_consultation_has_nothing() -> None:
    off = known(NOTHING)
    off = replace(off, inversion=picture(texture(1)))
    low_rate = picture(0.5 * LAY, texture(2, 5.0))  # it may even look like the photo
    assert not after_image(replace(off, edit=low_rate, low_rate_edit=low_rate)).any()


def test_detail_that_belongs_where_it_lies_is_no_after_image() -> None:
    plate = texture(3) * ~(dilate(OLD, 30) | dilate(NEW, 30))[..., None]
    lay, wanted = LAY + plate, WANTED + plate
    assert not after_image(known(wanted, lay=lay, wanted=wanted)).any()
    pasted = after_image(known(lay, lay=lay, wanted=wanted))  # the whole distortion map as it lay
    assert pasted[erode(OLD, OFF)].mean() > 0.85
    assert not (pasted & ~dilate(OLD, OFF)).any()


def test_the_old_outline_shows_where_the_background_could_not_be_restored() -> None:
    """HFGI brings the plate back around the old person, not behind them: their place stays as a silhouette."""
    plate, head = np.full_like(LAY, 40.0), np.full_like(LAY, -40.0)  # the head is the low-rate inversion's, too
    photo, inversion, lay = (
        np.where(OLD[..., None], *sides) for sides in ((head, plate), (head, NOTHING), (NOTHING, plate))
    )
    silhouette = replace(known(lay, wanted=plate), photo=picture(photo), inversion=picture(inversion))
    found = after_image(silhouette)
    rim = OLD & ~erode(OLD, 3)
    assert found[rim].mean() > 0.7
    assert not (found & ~dilate(OLD, OFF)).any()


def test_a_ghost_inside_the_new_person_is_found_beside_their_own_detail() -> None:
    lay, wanted = texture(4) * NEW[..., None], texture(5) * NEW[..., None]
    edit = known(wanted + 0.8 * lay, lay=lay, wanted=wanted)
    assert np.median(left_behind(edit)[0][erode(NEW, 12)]) == pytest.approx(0.8, abs=0.05)
    found = after_image(edit)
    assert found[erode(NEW, OFF)].mean() > 0.85
    assert not (found & ~dilate(NEW, OFF)).any()
    assert not after_image(known(wanted, lay=lay, wanted=wanted)).any()


def test_what_is_found_does_not_depend_on_the_size() -> None:
    edit = known(WANTED + LAY)
    large = KnownEdit(
        **{
            name: np.asarray(cv2.resize(rgb, (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_LINEAR), np.uint8)
            for name, rgb in vars(edit).items()
        }
    )
    assert (after_image(large)[::2, ::2] == after_image(edit)).mean() > 0.98
    contrast = left_behind(large)[1][::2, ::2]
    assert np.abs(contrast - left_behind(edit)[1]).mean() < 0.3


def test_other_pictures_are_refused_by_name() -> None:
    edit = known(WANTED)
    with pytest.raises(ValueError, match=r"truth: expected uint8 .*\(256, 256, 3\), found uint8 \(256, 128, 3\)"):
        replace(edit, truth=edit.truth[:, :128])
    with pytest.raises(ValueError, match=r"inversion: expected uint8 .* found float32"):
        replace(edit, inversion=edit.inversion.astype(np.float32))
