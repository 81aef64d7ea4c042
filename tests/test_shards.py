from __future__ import annotations

import os
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unripple.photos import shards
from unripple.photos.names import PhotosError, named

NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=40)


@given(st.sets(NAMES), st.integers(1, 50), NAMES)
def test_a_new_photo_changes_one_shard(photos: set[str], count: int, new: str) -> None:
    before, after = (shards.occupied(names, count) for names in (photos, photos | {new}))
    changed = {shard for shard in after if before.get(shard) != after[shard]}
    assert changed <= {shards.shard_name(shards.shard_of(new, count))}


@given(st.sets(NAMES), st.integers(1, 50))
def test_every_photo_is_in_one_shard(photos: set[str], count: int) -> None:
    filled = shards.occupied(photos, count)
    assert sorted(photo for names in filled.values() for photo in names) == sorted(photos)
    assert all(0 <= int(shard) < count for shard in filled)


def test_photos_are_spread_over_the_shards() -> None:
    filled = shards.occupied((f"face-{number}" for number in range(1000)), 10)
    assert [len(photos) for photos in filled.values()] == pytest.approx([100] * 10, abs=40)


def test_a_photo_is_named_for_its_file() -> None:
    paths = ["png.png", "b.c.jpg", "same.jpg", "same.png", "100/IMG_1.jpg", "101/IMG_1.jpg", "101/alone.jpg"]
    found = named(map(PurePath, paths), "photos/")
    assert {name: str(path) for name, path in found.items()} == {
        "b.c": "b.c.jpg",
        "png": "png.png",
        "same.jpg": "same.jpg",
        "same.png": "same.png",
        "100+IMG_1.jpg": "100/IMG_1.jpg",
        "101+IMG_1.jpg": "101/IMG_1.jpg",
        "alone": "101/alone.jpg",
    }


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        (b"line\nbreak.png", "line%0Abreak"),
        (b"latin-1-\xe9.png", "latin-1-%E9"),
        ("9.41\u202fPM.png".encode(), "9.41%E2%80%AFPM"),
        ("顔 Ü 😀.png".encode(), "顔 Ü 😀"),
        (b"100%0A.png", "100%0A"),
    ],
)
def test_what_cannot_be_printed_is_spelled_out(name: bytes, photo: str) -> None:
    path = PurePath(os.fsdecode(name))
    assert named([path], "") == {photo: path}


@pytest.mark.parametrize("names", [("a\nb.png", "a%0Ab.png"), ("a.png.jpg", "a.png", "a.jpg")])
def test_two_photos_cannot_share_a_name(names: tuple[str, ...]) -> None:
    with pytest.raises(PhotosError, match=r"another photo is called .*rename one"):
        named(map(PurePath, names), "")


@pytest.mark.parametrize("name", ["known-plate-00.png", "photos.shard~00.png"])
def test_a_photo_cannot_pass_for_what_the_study_makes(name: str) -> None:
    with pytest.raises(PhotosError, match=rf"there/{name}.*rename"):
        named([PurePath(name)], "there/")
