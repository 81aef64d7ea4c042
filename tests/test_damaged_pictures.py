"""Pictures of a finished study that were cut short, emptied or grew are made again, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_workflow import Project

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def the(study: Project, pattern: str) -> Path:
    (found,) = (study.folder / "results/lite/default").glob(pattern)
    return found


def times(study: Project) -> dict[Path, int]:
    files = (path for path in (study.folder / "results").rglob("*") if path.is_file() and not path.is_symlink())
    return {path: path.stat().st_mtime_ns for path in files}


def test_damaged_pictures_are_made_again_and_nothing_else(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    edit, fill, mask, inversion = (
        the(study, "size~*/refine~*/precision~*/edits/**/known-plate-00.hfgi.png"),
        the(study, "size~*/refine~*/precision~*/fills/**/known-plate-01.png"),
        the(study, "size~*/refine~*/precision~*/ripples/**/astronaut.png"),
        the(study, "size~*/refine~*/inversions/known-plate-00.npz"),
    )
    os.truncate(edit, edit.stat().st_size // 2)
    os.truncate(fill, 0)
    with mask.open("ab") as file:
        file.write(b"more")
    inversion.unlink()
    before = times(study)
    status, output = study.run()
    assert status == 0, output
    assert study.digests() == unbroken.digests()
    again = {path for path, time in times(study).items() if before.get(path) != time}
    photos = [(edit, "known-plate-00"), (fill, "known-plate-01"), (mask, "astronaut"), (inversion, "known-plate-00")]
    assert again == {
        *(path for file, photo in photos for path in file.parent.glob(f"{photo}.*")),
        *(file.parent / "shard~00.json" for file, _ in photos),
    }
    status, output = study.run()
    assert status == 0 and "Nothing to be done" in output, output


def test_a_damaged_page_is_made_again(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    page, overview = (the(study, f"**/report/**/{name}") for name in ("index.html", "overview.png"))
    os.truncate(page, page.stat().st_size // 2)
    overview.unlink()
    (study.folder / "results/summary.txt").write_text("")
    before = times(study)
    status, output = study.run()
    assert status == 0, output
    assert study.digests() == unbroken.digests()
    again = {path for path, time in times(study).items() if before.get(path) != time}
    assert {path.parent.name for path in again} <= {page.parent.name, "strips", "results", "pictures"}
