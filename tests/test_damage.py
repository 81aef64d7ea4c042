"""Damaged results are found by their content, and a journal keeps what is whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unripple.files.data import write_json
from unripple.jobs import damage, journal
from unripple.jobs.index import IndexWriter

RECORD = {"stage": "edit", "inputs": {}}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(path: str, *inputs: str, photos: str = "ab") -> Path:
    """An index of a stage that read others."""
    writer = IndexWriter(Path(path), {"stage": "edit", "inputs": dict.fromkeys(inputs, "checksum")})
    for photo in photos:
        with writer.photo(photo) as files:
            files.path(".txt").write_text(path + photo)
    writer.write()
    return Path(path)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def changed(file: Path) -> None:
    file.write_bytes(b"!" + file.read_bytes()[1:])


def found() -> dict[Path, list[str]]:
    """The damaged indexes and records, with the files of each that a line tells of."""
    _, damaged = damage.find(Path("results"))
    return {
        path: [line.partition(":")[0].removeprefix(f"{path.parent}/") for line in damaged[path]] for path in damaged
    }


@pytest.mark.parametrize("harm", [Path.unlink, cut_short, emptied, changed])
def test_a_harmed_file_is_found(harm: Callable[[Path], None]) -> None:
    made("results/x/shard~00.json")
    index = made("results/y/shard~00.json")
    assert found() == {}
    harm(Path("results/y/b.txt"))
    assert found() == {index: ["b.txt"]}


def test_a_harmed_table_is_found_by_its_record() -> None:
    Path("results").mkdir()
    table, below = Path("results/table.csv"), Path("results/below/page.html")
    below.parent.mkdir()
    table.write_text("1,2\n")
    below.write_text("<html>")
    results = {"table.csv": journal.facts(table), "below/page.html": journal.facts(below)}
    write_json(Path("results/record.json"), {"record": RECORD, "results": results})
    assert found() == {}
    cut_short(below)
    emptied(table)
    assert found() == {Path("results/record.json"): ["below/page.html", "table.csv"]}


@pytest.mark.parametrize(
    "content", [{"made": {"a": {"a.txt": "checksum"}}, "failed": {}}, {"results": ["a.csv"]}, {"results": {"a.csv": 1}}]
)
def test_an_index_of_another_version_is_found(content: dict[str, Any]) -> None:
    made("results/other.json")
    path = Path("results/old.json")
    write_json(path, {**content, "record": RECORD})
    assert found() == {path: [path.name]}


def test_an_index_that_cannot_be_read_is_found_and_other_json_is_not() -> None:
    index = made("results/x/shard~00.json")
    write_json(Path("results/x/a.json"), {"made": {"photo": {"gone.png": {"bytes": 1}}}})
    write_json(Path("results/x/b.json"), [1, 2])
    cut_short(index)
    cut_short(index)
    assert found() == {index: [index.name]}


def test_files_are_counted() -> None:
    assert damage.find(Path("results")) == (0, {})
    made("results/x/shard~00.json", photos="abc")
    assert damage.find(Path("results")) == (3, {})


def test_a_job_that_was_stopped_is_unfinished() -> None:
    made("x/1.json")
    assert damage.unfinished(Path("x")) == set()
    index = killed(RECORD)
    assert damage.unfinished(Path("x")) == {index}


def test_levels_follow_the_records() -> None:
    first, second = made("a/0.json"), made("a/1.json")
    middle = made("b/0.json", str(first))
    last = made("c/0.json", str(middle))
    assert list(damage.levels([last, second, first])) == [[first, second], [last]]
    assert list(damage.levels([last])) == [[last]]


def test_whole_photos_of_a_damaged_index_are_taken_over() -> None:
    index = made("x/0.json", photos="abc")
    record = json.loads(index.read_text())["record"]
    before = index.read_bytes()
    Path("x/b.txt").unlink()
    damage.keep_whole(index)
    writer = IndexWriter(index, record)
    assert writer.remaining("abc") == ["b"]
    with writer.photo("b") as files:
        files.path(".txt").write_text("x/0.jsonb")
    writer.write()
    assert index.read_bytes() == before
    assert not journal.path_of(index).exists()


def killed(record: dict[str, Any]) -> Path:
    """The index that a job would have written, had it not been killed after photo ``a``."""
    writer = IndexWriter(Path("x/0.json"), record)
    with writer.photo("a") as files:
        files.path(".txt").write_text("a")
    return Path("x/0.json")


def test_a_job_goes_on_after_the_last_photo_that_it_finished() -> None:
    index = killed(RECORD)
    with journal.path_of(index).open("ab") as file:
        file.write(b'{"photo": "b", "fil')  # killed on this line
    assert IndexWriter(index, RECORD).remaining("ab") == ["b"]
    assert IndexWriter(index, RECORD).remaining("ab") == ["b"]  # and killed once more before it did anything


def test_a_photo_that_is_no_longer_asked_for_is_not_in_the_index() -> None:
    writer = IndexWriter(killed(RECORD), RECORD)
    assert writer.remaining("c") == ["c"]
    writer.write()
    assert json.loads(Path("x/0.json").read_text())["made"] == {}


def test_another_job_begins_anew() -> None:
    assert IndexWriter(killed(RECORD), {**RECORD, "inputs": {"face.jpg": "1"}}).remaining("ab") == ["a", "b"]


def test_a_changed_file_is_not_taken_over() -> None:
    index = killed(RECORD)
    Path("x/a.txt").write_text("A")
    assert IndexWriter(index, RECORD).remaining("a") == ["a"]
