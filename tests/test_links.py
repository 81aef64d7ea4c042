"""Files under short names: links where the disk takes them, copies elsewhere, and nothing stale."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from unripple.files import links
from unripple.report import results_folder

NAMES = ("plain", "two words", "Zoë {not} 'quoted' %0A", "日本語")


def files(folder: Path) -> dict[str, Path]:
    """A file for each name, far away."""
    found = {}
    for name in NAMES:
        found[name] = folder / f"results/lite/default/size~512/{name}.png"
        found[name].parent.mkdir(parents=True, exist_ok=True)
        found[name].write_text(name)
    return found


def shown(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != links.COPIES)
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


def no_links(self: Path, target: str) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted", str(self))


@pytest.fixture(params=["links", "copies"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "copies":
        monkeypatch.setattr(Path, "symlink_to", no_links)
    return str(request.param)


def test_each_file_has_its_short_name(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "results/pictures"
    links.show(folder, {f"{name}/photo.png": file for name, file in files(tmp_path).items()})
    assert shown(folder) == {f"{name}/photo.png": name for name in NAMES}
    assert {path.is_symlink() for path in folder.glob("*/*.png")} == {kind == "links"}
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    assert shown(tmp_path / "elsewhere/pictures") == {f"{name}/photo.png": name for name in NAMES}


def test_what_is_stale_goes_and_what_is_somebody_elses_stays(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "results/pictures"
    found = files(tmp_path)
    links.show(folder, {f"{name}/photo.png": file for name, file in found.items()})
    (folder / "two words/notes.txt").write_text("mine")
    found["plain"].write_text("new")
    links.show(folder, {"plain/photo.png": found["plain"], "plain/pose+3.hfgi.png": found["日本語"]})
    assert shown(folder) == {
        "plain/photo.png": "new",
        "plain/pose+3.hfgi.png": "日本語",
        "two words/notes.txt": "mine",
    }
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"plain", "two words"}


def test_copies_give_way_to_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, found = tmp_path / "results/pictures", files(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "symlink_to", no_links)
        links.show(folder, {"plain.png": found["plain"]})
    links.show(folder, {"plain.png": found["plain"]})
    assert (folder / "plain.png").is_symlink() and not (folder / links.COPIES).exists()


def test_a_full_disk_is_no_reason_to_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "symlink_to", full)
    with pytest.raises(OSError, match="No space left"):
        links.show(tmp_path / "pictures", {"plain.png": files(tmp_path)["plain"]})


def test_a_link_is_followed_inside_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the results lie elsewhere, behind a link of their own."""
    (tmp_path / "project").mkdir()
    files(tmp_path)
    (tmp_path / "project/results").symlink_to("../results")
    monkeypatch.chdir(tmp_path / "project")
    file = Path("results/lite/default/size~512/plain.png")
    links.show(Path("results/pictures"), {"plain/photo.png": file})
    assert links.followed(Path("results/pictures/plain/photo.png")) == file
    assert links.followed(file) == file


def test_the_page_that_leads_on_is_relative_and_safe() -> None:
    text = results_folder.lead_to(
        Path("results/lite/a b/size~5/index.html"), Path("results/index.html"), "<x> (models: lite)"
    )
    assert text.count("lite/a%20b/size~5/index.html") == 2 and "results/" not in text
    assert "&lt;x&gt;" in text and text.startswith("<!doctype html>")


def test_who_was_put_aside_is_named_in_full() -> None:
    columns = ["photo", "stage", "reason", "file"]
    refused = [
        ("known-plate-01", "edits", "odd", None),
        ("known-plate-01", "fills", "odd", None),
        ("b", "photos", "no face", "data/b\n.png"),
    ]
    table = results_folder.put_aside(pd.DataFrame(refused, columns=columns))
    assert table.to_dict("records") == [
        {"photo": "b", "file": "data/b%0A.png", "reason": "no face"},
        {"photo": "known-plate-01", "file": "", "reason": "odd"},
    ]
    assert results_folder.put_aside(pd.DataFrame(columns=columns)).empty


def test_a_summary_ends_with_short_paths() -> None:
    names = {"page": "index.html", "pictures": "pictures", "table": "summary.csv", "quarantine": "quarantine.csv"}
    short: dict[str, Any] = {key: Path("results", name) for key, name in names.items()}
    assert "Put aside" not in results_folder.ending("default", 0, **short)
    assert results_folder.ending("default", 2, **short).endswith(
        "2 photos, each with its reason in results/quarantine.csv\n"
    )


def test_without_a_study_there_are_no_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(results_folder.NoStudy, match="run `make study` first"):
        results_folder.places()
