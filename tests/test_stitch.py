"""The head on its own neck: how far it moves, what is its own, and what stays the photo's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.detectors.face_mesh import Mesh
from unripple.files.pictures import Mask, Matte
from unripple.stages.composite import Picture
from unripple.stages.masks import erode
from unripple.stages.stitch import HEIGHT, distance_to_end, joined, narrowed, seat, stitched, within

SIZE = HEIGHT
WALL, SKIN, OTHER_SKIN, SHIRT, DRESS = (np.float32(value) for value in (0.8, 0.1, 0.3, -0.8, -0.4))
#: The chin of `face`, and a row well below it.
CHIN, SHIRTS = 420, 470


def face(x: float = 256, seed: int = 0) -> Mesh:
    """Points of a round face, its nose nearest to the camera."""
    generator = np.random.default_rng(seed)
    angle, radius = generator.uniform(0, 2 * np.pi, 468), np.sqrt(generator.uniform(0, 1, 468))
    across, down = radius * np.cos(angle), radius * np.sin(angle)
    across[[234, 454, 1, 13, 152]], down[[234, 454, 1, 13, 152]] = [-1, 1, 0, 0, 0], [0, 0, 0.1, 0.4, 1]
    depth = -np.sqrt(np.maximum(0, 1 - across**2 - down**2))
    return np.stack([x + 100 * across, 300 + 120 * down, 100 * depth], axis=1)


def yawed(mesh: Mesh, degrees: float) -> Mesh:
    """Turned about the upright axis between its ears."""
    middle = mesh[[234, 454]].mean(axis=0)
    sine, cosine = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    return np.asarray((mesh - middle) @ np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]) + middle)


def ellipse(x: float = 256, wider: float = 0) -> Mask:
    grid = np.arange(SIZE) + 0.5
    return np.asarray(np.hypot((grid[None] - x) / (110 + wider), (grid[:, None] - 290) / (130 + wider)) < 1)


def body(x: float = 256) -> Mask:
    """A neck and shoulders below a face."""
    columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    neck = (abs(columns - x) < 60) & (rows > 380)
    return np.asarray(neck | ((abs(columns - x) < 200) & (rows > 440)))


def person(x: float = 256, skin: np.float32 = SKIN, clothes: np.float32 = SHIRT) -> tuple[Picture, Matte]:
    """A head over a body before a wall, and their matte."""
    head, below = ellipse(x), body(x)
    grey = np.where(head, skin, np.where(below, clothes, WALL))
    return np.asarray(cv2.merge([grey] * 3), np.float32), (head | below).astype(np.float32)


def wall(rgb: Picture, hole: Mask, hidden: Mask) -> Picture:
    """An inpainter that knows what is behind them."""
    return np.where((hole | hidden)[..., None], WALL, rgb)


@settings(max_examples=20, deadline=None)
@given(st.floats(-25, 25), st.integers(-40, 40), st.integers(-20, 20), st.integers(0, 9))
def test_a_head_that_turned_between_its_ears_and_was_moved_moves_back(
    degrees: float, x: int, y: int, seed: int
) -> None:
    before = face(seed=seed)
    assert seat(before, yawed(before, degrees) + np.array([x, y, 0])) == (-x, -y)


def test_an_edit_that_follows_the_face_leaves_the_neck_and_is_put_back() -> None:
    before = face()
    after = yawed(before, 20)
    after[:, 0] += before[1, 0] - after[1, 0]  # The nose stays where it was, as in a portrait.
    x, y = seat(before, after)
    assert abs(x) > 25 and y == 0


def test_without_an_edit_there_is_no_change() -> None:
    portrait, matte = person()
    found = stitched(portrait, matte, portrait, matte, face(), face(), wall)
    assert np.array_equal(found.rgb, portrait)
    assert not found.weight.any()


def test_the_face_is_the_edit_s_and_the_body_the_photo_s() -> None:
    portrait, matte = person()
    edit, new = person(x=286, skin=OTHER_SKIN, clothes=DRESS)
    found = stitched(portrait, matte, edit, new, face(), face(286), wall)
    rgb = found.rgb[..., 0]
    assert np.allclose(rgb[200:CHIN, 256][::20], OTHER_SKIN, atol=0.02)
    assert np.array_equal(found.rgb[SHIRTS:], portrait[SHIRTS:])
    assert (rgb == DRESS).sum() < 0.01 * (rgb == SHIRT).sum()
    # Moved onto the neck: nothing of either head beside the old outline.
    beside = ~ellipse(wider=16) & ~body()
    assert np.array_equal(found.rgb[beside], portrait[beside])
    changed = np.abs(found.rgb - portrait).max(axis=2) > 0.02
    assert (found.weight[changed] == 1).all() and not found.weight[SHIRTS:].any()


def test_another_size_gives_the_same_picture() -> None:
    portrait, matte = person()
    edit, new = person(x=286, skin=OTHER_SKIN, clothes=DRESS)
    small = stitched(portrait, matte, edit, new, face(), face(286), wall).rgb
    one, its, two, theirs = (np.repeat(np.repeat(map_, 2, axis=0), 2, axis=1) for map_ in (portrait, matte, edit, new))
    large = stitched(one, its, two, theirs, face(), face(286), wall).rgb
    reduced = cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced - small).mean() < 0.004


def test_what_rises_beside_the_jaw_stays_the_photo_s() -> None:
    portrait, matte = person()
    collar = np.zeros((SIZE, SIZE), bool)
    collar[400:470, 60:150] = True  # The generator does not know it.
    worn = np.where(collar[..., None], np.float32(-0.2), portrait)
    edit, new = person(skin=OTHER_SKIN)
    found = stitched(worn, np.maximum(matte, collar), edit, new, face(), face(), wall)
    soft = erode(collar, 12)
    assert np.array_equal(found.rgb[soft], worn[soft])


def test_the_join_passes_below_both_chins_and_above_the_bottom() -> None:
    portrait, matte = person()
    edit, new = person(x=226, skin=OTHER_SKIN, clothes=DRESS)
    above = joined(edit, portrait, matte, new, face(), face(226))
    assert above[: CHIN - 1, 226].all() and above[: CHIN - 1, 256].all()
    assert not above[-12:].any()
    assert above[:300].all()


@settings(max_examples=20, deadline=None)
@given(st.floats(160, 350), st.floats(0, 1))
def test_an_outline_is_only_drawn_in_and_no_farther_than_the_old_one(x: float, share: float) -> None:
    old, new = ellipse().astype(np.float32), ellipse(x).astype(np.float32)
    even = np.full((SIZE, SIZE), share, np.float32)
    found = narrowed(new, old, even)
    assert (found <= new).all()
    assert (found[(old == 1) & (new == 1) & ellipse(wider=-8) & ellipse(x, wider=-8)] == 1).all()
    assert np.array_equal(narrowed(new, old, even + 1), new)
    assert not narrowed(new, old, 0 * even)[~ellipse(wider=8)].any()


@pytest.mark.parametrize("move", [(60, 0), (-60, 10), (0, 30)])
def test_hair_that_the_edit_cuts_off_ends_with_the_old_outline(move: tuple[int, int]) -> None:
    x, y = move
    cut = {(60, 0): ellipse(110), (-60, 10): ellipse(402), (0, 30): np.roll(ellipse(), -160, axis=0)}[move]
    inside = distance_to_end(cut.shape, move)
    ends = (inside >= 0) & (inside < 4)
    assert cut[ends].any()
    found = within(cut.astype(np.float32), ellipse().astype(np.float32), move)
    assert not found[:, : max(x, 0)].any() and not found[: max(y, 0)].any()
    assert not found[:, SIZE + min(x, 0) :].any()
    assert not found[ends & ~ellipse(wider=8)].any()
    assert (found[cut & ellipse(wider=-8) & (inside > 128)] == 1).all()
