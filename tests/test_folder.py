"""Every file in a folder of photos is taken or told: none is left out in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_album import picture, tarred, zipped

from unripple.photos import readers
from unripple.photos.album import Album, find
from unripple.photos.decoding import PhotoRefused
from unripple.photos.names import PhotosError


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_folders_below_are_taken_and_what_is_not_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "my photos"
    for number, name in enumerate(("a.jpg", "100/b.jpg", "100/deep/c.heic", "12:30.jpg", "notes.txt", "secret.jpg")):
        put(place / name, b"%d" % number)
    put(place / ".hidden.jpg", b"h")
    put(place / ".DS_Store", b"d")
    put(place / ".git/e.jpg", b"e")
    put(tmp_path / "elsewhere/f.jpg", b"f")
    (place / "gone.jpg").symlink_to("nowhere.jpg")
    (place / "linked.jpg").symlink_to(tmp_path / "elsewhere/f.jpg")
    (place / "album").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(place / "pipe.jpg")
    readable = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "secret" not in str(path) and readable(path, mode))
    album = find(place)
    assert set(album.photos) == {"a", "b", "c", "12:30", "notes", "linked"}
    assert album.photos["b"] == str(place / "100/b.jpg")
    told = {str(Path(file).relative_to(place)): reason for file, reason in album.left_out.items()}
    assert told.keys() == {".hidden.jpg", "gone.jpg", "album", "pipe.jpg", "secret.jpg"}
    assert "a link to nowhere.jpg, which is not there" in told["gone.jpg"]
    assert "permissions" in told["secret.jpg"] and "hidden" in told[".hidden.jpg"]
    assert "study.photos" in told["album"] and "pipe" in told["pipe.jpg"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.jpg", b"a")
    put(tmp_path / "private/b.jpg", b"b")
    scanned = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", str(path))
        return scanned(path)

    monkeypatch.setattr(os, "scandir", scandir)
    album = find(tmp_path)
    assert set(album.photos) == {"a"}
    assert album.left_out == {str(tmp_path / "private"): "a folder that cannot be read: Permission denied"}


@pytest.mark.parametrize("packed", [None, zipped, tarred])
def test_the_same_photo_under_several_names_counts_once(tmp_path: Path, packed: object) -> None:
    files = {"b.jpg": picture(9), "a.png": picture(9), "c/a.jpg": picture(9), "other.jpg": picture(10)}
    files |= {"empty.jpg": b"", "empty too.jpg": b""}
    place = tmp_path / "photos"
    if packed is None:
        for name, content in files.items():
            put(place / name, content)
    else:
        place = packed(tmp_path / ("photos.zip" if packed is zipped else "photos.tar"), files)  # type: ignore[operator]
    album = find(place)
    assert set(album.photos) == {"a", "other", "empty", "empty too"}
    assert sorted(file[-5:] for file in album.left_out) == ["a.jpg", "b.jpg"]
    assert all("the same picture as" in reason and "a.png" in reason for reason in album.left_out.values())


def test_what_an_archive_holds_besides_photos_is_told(tmp_path: Path) -> None:
    names = ("me.gif", "me.mpo", "you.jfif", "12:30.jpg", "a/IMG_1.HEIC", "b/IMG_1.HEIC", "licence.txt", "x.avif")
    album = find(zipped(tmp_path / "photos.zip", {name: name.encode() for name in names}))
    assert set(album.photos) == {"me.gif", "me.mpo", "you", "12:30", "a+IMG_1.HEIC", "b+IMG_1.HEIC", "x"}
    ((file, reason),) = album.left_out.items()
    assert file.endswith("photos.zip: licence.txt") and "does not end like a photo's" in reason


def test_where_photos_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "pics/me.jpg", b"me")
    for photos in ("~/pics", "pics", "~/pics/me.jpg", "pics/me.jpg"):
        assert {name: Path(file).resolve() for name, file in find(Path(photos)).photos.items()} == {
            "me": tmp_path / "pics/me.jpg"
        }
    assert find(Path("none")) == find(Path("data/photos")) == Album({})
    for photos in ("~/pcis", "data/photo", "x.zip", "pics/you.jpg"):
        with pytest.raises(PhotosError, match=r"no such (folder, archive or photo; .*study\.photos.*none|archive)"):
            find(Path(photos))


def test_a_photo_with_the_name_of_an_example_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "astronaut.jpg", b"mine")
    assert set(find(tmp_path).photos) == {"astronaut"}
    with pytest.raises(PhotosError, match=r"astronaut\.jpg: an example .* rename the file, or .* study\.examples"):
        find(tmp_path, examples=["astronaut"])


def test_a_file_that_cannot_be_read_is_refused_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.png", picture(3))
    put(tmp_path / "b.png", picture(4))

    def content(path: Path) -> bytes:
        if path.name == "a.png":
            raise OSError(5, "Input/output error")
        return path.read_bytes()

    monkeypatch.setattr("unripple.photos.decoding._content", content)
    read = dict(readers.readers(find(tmp_path).photos))
    with pytest.raises(PhotoRefused, match="it cannot be read: Input/output error"):
        read["a"]()
    assert read["b"]().rgb.shape == (128, 128, 3)
