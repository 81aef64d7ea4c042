"""`unripple verify` finds what is damaged; of a finished study it makes that again, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_workflow import Project
from typer.testing import CliRunner

from unripple.cli.app import app
from unripple.jobs import damage
from unripple.jobs.index import IndexWriter

pytestmark = pytest.mark.timeout(1800)
RUN = CliRunner()


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one picture of the one index in the current folder's results."""
    monkeypatch.chdir(tmp_path)
    writer = IndexWriter(Path("results/edits/shard~00.json"), {"stage": "edit", "inputs": {}})
    with writer.photo("face") as files:
        path = files.path(".png")
        path.write_text("a picture")
    writer.write()
    return path


def test_whole_results_are_said_to_be(picture: Path) -> None:
    told = RUN.invoke(app, ["verify"])
    assert (told.exit_code, told.output) == (0, "results: 1 files, 0 of them damaged\n")


def test_a_changed_picture_is_named(picture: Path) -> None:
    picture.write_text("another")
    told = RUN.invoke(app, ["verify", str(Path("results").absolute())])
    assert told.exit_code == 1
    assert "face.png: expected sha256" in told.output and "1 of them damaged" in told.output
    assert "`unripple verify results --repair` makes them again" in told.output


def test_an_index_that_cannot_be_read_is_named(picture: Path) -> None:
    picture.with_name("shard~00.json").write_text("{")
    told = RUN.invoke(app, ["verify"])
    assert told.exit_code == 1 and "shard~00.json: not readable as an index" in told.output


def test_a_repair_elsewhere_than_in_the_project_is_refused(picture: Path) -> None:
    picture.write_text("another")
    told = RUN.invoke(app, ["verify", "--repair"])
    assert told.exit_code == 1 and "run this in the project's folder" in told.output
    assert picture.with_name("shard~00.json").exists()


def the(study: Project, pattern: str) -> Path:
    (found,) = (study.folder / "results/lite/default").glob(pattern)
    return found


def times(study: Project) -> dict[Path, int]:
    files = (path for path in (study.folder / "results").rglob("*") if path.is_file() and not path.is_symlink())
    return {path: path.stat().st_mtime_ns for path in files}


def repair(study: Project) -> None:
    done = study.unripple("verify", "results", "--repair", "--", "--cores", "2")
    assert done.returncode == 0, done.stdout
    status, output = study.run()
    assert status == 0 and "Nothing to be done" in output, output


@pytest.mark.long
def test_damaged_pictures_are_made_again_and_nothing_else(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    edit, fill, mask, inversion = (
        the(study, "size~*/invert~*/precision~*/edits/**/known-plate-00.hfgi.png"),
        the(study, "size~*/invert~*/precision~*/fills/**/known-plate-01.png"),
        the(study, "size~*/invert~*/precision~*/ripples/**/astronaut.png"),
        the(study, "size~*/invert~*/inversions/known-plate-00.npz"),
    )
    os.truncate(edit, edit.stat().st_size // 2)
    os.truncate(fill, 0)
    with mask.open("ab") as file:
        file.write(b"more")
    inversion.unlink()
    before = times(study)
    repair(study)
    assert study.digests() == unbroken.digests()
    again = {path for path, time in times(study).items() if before.get(path) != time}
    photos = [(edit, "known-plate-00"), (fill, "known-plate-01"), (mask, "astronaut"), (inversion, "known-plate-00")]
    assert again == {
        *(path for file, photo in photos for path in file.parent.glob(f"{photo}.*")),
        *(file.parent / "shard~00.json" for file, _ in photos),
    }


@pytest.mark.long
def test_a_damaged_page_is_made_again(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    page, overview = (the(study, f"**/report/**/{name}") for name in ("index.html", "overview.png"))
    os.truncate(page, page.stat().st_size // 2)
    overview.unlink()
    (study.folder / "results/summary.txt").write_text("")
    before = times(study)
    repair(study)
    assert study.digests() == unbroken.digests()
    again = {path for path, time in times(study).items() if before.get(path) != time}
    assert {path.parent.name for path in again} <= {page.parent.name, "strips", "results", "pictures"}


@pytest.mark.long
def test_a_repair_that_was_killed_goes_on_by_the_same_command(
    unbroken: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snakemake has removed the index of the job before it ran, and would not miss it."""
    study = unbroken.copy(tmp_path / "study")
    mask = the(study, "size~*/invert~*/precision~*/ripples/**/astronaut.png")
    os.truncate(mask, 0)
    index = mask.with_name("shard~00.json")
    monkeypatch.chdir(study.folder)
    damage.keep_whole(index.relative_to(study.folder))
    index.unlink()
    before = times(study)
    repair(study)
    assert study.digests() == unbroken.digests()
    assert {path for path, time in times(study).items() if before.get(path) != time} == {mask, index}
