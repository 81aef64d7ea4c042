"""A network that runs out of memory, or fails on one photo, in the jobs of a real study.

The faults are put into a copy of the project: nothing in the project itself knows of them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from test_workflow import Project

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def broken(project: Project, script: str, before: str, fault: str) -> None:
    """Put lines before a line of a script."""
    path = project.folder / "workflow/scripts" / script
    source = path.read_text()
    assert source.count(before) == 1
    indent = before[: len(before) - len(before.lstrip())]
    path.write_text(source.replace(before, "".join(f"{indent}{line}\n" for line in fault.splitlines()) + before))


def edits(project: Project) -> tuple[str, Path]:
    """The target of the edits, and their log."""
    (found,) = project.folder.glob("results/lite/default/size~*/invert~*/precision~*/edits/**/shard~00.json")
    (log,) = project.folder.glob("logs/lite/default/size~*/invert~*/precision~*/edits/**/shard~00.log")
    return str(found.relative_to(project.folder)), log


def test_a_job_out_of_memory_goes_on_with_a_smaller_batch(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    target, log = edits(study)
    before = {name: checksum for name, checksum in study.digests().items() if "/edits/" in name and ".png" in name}
    fault = "if len(w_plus) > 1:\n    raise torch.OutOfMemoryError('CUDA out of memory')"
    broken(study, "edit.py", "    edited = edit(", fault)
    batches = study.folder / "src/unripple/batches.py"
    batches.write_text(batches.read_text().replace("batch: int | None = None", "batch: int | None = 3"))
    (study.folder / target).unlink()
    status, output = study.run(target, "--rerun-triggers", "mtime")  # Else all that goes by batches would run.
    assert status == 0, output
    assert "out of memory: batches of 2 from here on" in log.read_text()
    assert "out of memory: batches of 1 from here on" in log.read_text()
    assert before.items() <= study.digests().items()


def test_a_photo_that_does_not_fit_even_alone_is_named(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    target, _ = edits(study)
    broken(study, "edit.py", "    edited = edit(", "raise torch.OutOfMemoryError('CUDA out of memory')")
    status, output = study.run(target)
    assert status != 0
    assert "astronaut: does not fit into memory even alone" in output


def test_a_photo_on_which_a_network_fails_is_put_aside_and_the_others_finish(unbroken: Project, tmp_path: Path) -> None:
    study = unbroken.copy(tmp_path / "study")
    cut = "job.picture(edits.path(photo, '.hfgi.png'))[:, :8]"
    masks = "job.mask(ripples.path(photo, '.png')), job.matte(mattes.path(photo, '.png'))"
    fault = f"if photo == 'known-plate-01':\n    return {cut}, {masks}"
    broken(study, "fill.py", "    return (\n        job.picture", fault)
    status, output = study.run()
    assert status == 0, output
    (quarantine,) = study.folder.glob("results/lite/**/tables/**/quarantine.csv")
    reasons = pd.read_csv(quarantine).set_index("photo")["reason"].astype(str).to_dict()
    assert reasons.keys() == {"it's {not} a picture", "known-plate-01"}
    assert "the network failed on it" in reasons["known-plate-01"]
    (table,) = study.folder.glob("results/lite/**/tables/**/metrics.csv")
    rows = pd.read_csv(table)
    others = {"astronaut", "known-plate-00"}
    assert set(rows.loc[rows["method"] == "ripple_inpaint", "photo"]) == others
    assert set(rows.loc[rows["method"] == "split_composite", "photo"]) == {*others, "known-plate-01"}
