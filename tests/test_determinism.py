"""The same study gives the same bytes; cut otherwise into jobs, batches and threads, the same pictures."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_workflow import TINY, Project

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

#: How far pictures may differ, of 255: sums of a network come in another order.
TOLERANCE = 1
#: A mask is a threshold: a matte's last digit may flip a pixel of it, and what is painted there is another colour.
#: In what masks are and what is made with them, this share of values may differ by more.
BEHIND_MASKS, FLIPPED = {"ripples", "fills", "plates", "cleaned"}, 1e-3


def test_two_fresh_studies_are_equal_to_the_byte(root: Path, tmp_path: Path) -> None:
    studies = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        studies.append(Project(root, tmp_path / name))
        studies[-1].set(**TINY)
    with ThreadPoolExecutor() as pool:
        for status, output in pool.map(lambda study: study.run("--cores", "1"), studies):
            assert status == 0, output
    one, another = (study.digests() for study in studies)
    assert one == another and any(name.endswith(".png") for name in one)


def test_shards_batches_and_threads_change_no_picture(unstarted: Project, unbroken: Project, tmp_path: Path) -> None:
    other = unstarted.copy(tmp_path / "other")
    other.set(study={"shards": 4})
    batches = other.folder / "src/unripple/jobs/batches.py"
    source, changes = re.subn(r"batch: int \| None = None", "batch: int | None = 2", batches.read_text())
    assert changes == 1
    batches.write_text(source)
    status, output = other.run("--cores", "1")
    assert status == 0, output
    logs = "".join(path.read_text() for path in (other.folder / "logs").rglob("*.log"))
    assert "in batches of 2" in logs
    assert len(list((other.folder / "results").rglob("inversions/shard~*.json"))) == 2
    made, expected = (
        {
            path.relative_to(study.folder): np.array(Image.open(path))
            for path in study.folder.glob("results/**/*.png")
            if not path.is_symlink()
        }
        for study in (other, unbroken)
    )
    assert made.keys() == expected.keys()
    for path, picture in made.items():
        assert picture.shape == expected[path].shape
        if "report" in path.parts:
            continue
        differ = np.abs(picture.astype(int) - expected[path]) > TOLERANCE
        assert differ.mean() <= (0 if BEHIND_MASKS.isdisjoint(path.parts) else FLIPPED), path
