from __future__ import annotations

from pathlib import Path

import pytest

from unripple.jobs import index
from unripple.photos.decoding import PhotoRefused


def write(folder: Path, name: str, photos: dict[str, str]) -> Path:
    writer = index.IndexWriter(folder / name)
    for photo, content in photos.items():
        with writer.photo(photo) as files:
            if not content:
                raise PhotoRefused("no face found")
            files.path(".txt").write_text(content)
    writer.write()
    return folder / name


def test_what_was_made_and_what_failed_is_read_back(tmp_path: Path) -> None:
    made = index.read(write(tmp_path, "shard~00.json", {"b": "2", "a": "1", "c": ""}))
    assert list(made) == ["a", "b"]
    assert made.failed == {"c": "no face found"}
    assert made.path("a", ".txt").read_text() == "1"
    made.verify()


def test_the_index_changes_with_the_pictures_and_only_then(tmp_path: Path) -> None:
    first = write(tmp_path, "shard~00.json", {"a": "1"}).read_bytes()
    assert write(tmp_path, "shard~00.json", {"a": "1"}).read_bytes() == first
    assert write(tmp_path, "shard~00.json", {"a": "2"}).read_bytes() != first


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_changed_file_is_found(tmp_path: Path, damage: str) -> None:
    made = index.read(write(tmp_path, "shard~00.json", {"a": "1"}))
    (tmp_path / "a.txt").write_text("x") if damage == "changed" else (tmp_path / "a.txt").unlink()
    with pytest.raises(index.BrokenIndex, match=r"a\.txt: expected sha256 [0-9a-f]{64}, found"):
        made.verify()


def test_a_file_that_was_not_made_is_refused(tmp_path: Path) -> None:
    made = index.read(write(tmp_path, "shard~00.json", {"a": "1"}))
    with pytest.raises(index.BrokenIndex, match=r"expected a\.png"):
        made.path("a", ".png")


def test_a_photo_with_too_long_a_name_is_refused(tmp_path: Path) -> None:
    made = index.read(write(tmp_path, "shard~00.json", {"a" * 250: "1", "b": "2"}))
    assert list(made) == ["b"]
    assert "rename it" in made.failed["a" * 250]


def test_an_unexpected_error_is_no_refusal(tmp_path: Path) -> None:
    writer = index.IndexWriter(tmp_path / "shard~00.json")
    with pytest.raises(ZeroDivisionError), writer.photo("a"):
        _ = 1 / 0


def test_indexes_of_one_folder_are_read_as_one(tmp_path: Path) -> None:
    paths = [write(tmp_path, "x.json", {"a": "1"}), write(tmp_path, "y.json", {"b": "2", "c": ""})]
    both = index.read_all(paths)
    assert (list(both), list(both.failed)) == (["a", "b"], ["c"])


def test_indexes_of_several_folders_are_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, "x.json", {"a": "1"}) for name in "ab"]
    with pytest.raises(index.BrokenIndex, match="one folder"):
        index.read_all(paths)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"made": {}}'])
def test_what_is_no_index_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "shard~00.json"
    path.write_text(content)
    with pytest.raises(index.BrokenIndex, match=r"shard~00\.json: expected an index"):
        index.read(path)
