"""A thousand hostile files through the stage, the workflow and the command line: each is used or refused, and told."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from mutations import AWKWARD_NAMES, mutated, oddities, pictures
from test_cli import ColumnModels, run
from test_workflow import Project

from unripple.jobs import index
from unripple.models import lite
from unripple.photos.album import find
from unripple.photos.names import printable

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

SEED, COUNT = 2026, 1000
#: What one file may take: CPU seconds, and bytes beyond what an idle process holds.
SECONDS, MEMORY = 10, 1_500_000_000
#: Of these names the file system makes hidden files, or they are too long for what is made of a photo.
UNUSED = {"....", "x" * 246}

ALIGN = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from unripple.detectors.blazeface import FaceSeeker
from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import Rgb
from unripple.photos.decoding import PhotoRefused, read_photo
from unripple.stages.align import align
meter = FaceMeter()
seeker = FaceSeeker()
meter._detector, meter._predictor, seeker._mesh, seeker.seek(np.zeros((9, 9, 3), np.uint8))
resource.setrlimit(resource.RLIMIT_AS, (int(Path("/proc/self/statm").read_text().split()[0]) * 4096 + MEMORY,) * 2)
told = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    began = time.process_time()
    try:
        said = str(align(read_photo(path).rgb, meter, seeker=seeker).rgb.shape)
    except PhotoRefused as refused:
        said = "refused: " + refused.reason
    told[ascii(path.name)] = said, time.process_time() - began
print(json.dumps(told))
"""


def put(folder: Path, files: list[tuple[str, bytes]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        (folder / name).write_bytes(content)


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file that is not where a study writes, with size and time."""
    written = {"results", "logs", ".snakemake", "__pycache__"}
    found = [path for path in folder.rglob("*") if path.is_file() and written.isdisjoint(path.parts)]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def test_a_thousand_files_are_aligned_or_refused(tmp_path: Path) -> None:
    put(tmp_path, list(mutated(SEED, COUNT)))
    code = ALIGN.replace("MEMORY", str(MEMORY))
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told) == COUNT
    assert max(seconds for _, seconds in told.values()) < SECONDS
    refused = [said for said, _ in told.values() if said.startswith("refused: ")]
    assert 0.5 * COUNT < len(refused) < COUNT
    reasons = ("damaged", "not a picture", "no face", "bomb", "animated", "too small")
    assert all(any(reason in said for said in refused) for reason in reasons)


def test_a_thousand_files_through_the_workflow(root: Path, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    project = Project(root, tmp_path / "study")
    project.set(study={"known_plate": 0, "examples": []})
    put(project.folder / "data/photos", list(mutated(SEED, COUNT)))
    before = state(tmp_path)
    target = project.folder / "results/lite/default/portraits/photos.shard~00.json"
    status, output = project.run(str(target.relative_to(project.folder)))
    assert status == 0, output
    assert state(tmp_path) == before

    portraits = index.read(target)
    portraits.verify()
    album = find(project.folder / "data/photos")
    photos = album.photos
    assert len(photos) + len(album.left_out) == COUNT and len(album.left_out) < 20  # A hidden one, and some alike.
    assert portraits.made.keys() | portraits.failed.keys() == photos.keys()
    assert portraits.made.keys().isdisjoint(portraits.failed)
    assert all(len(reason) > 10 for reason in portraits.failed.values())
    faces = {printable(name) for name in AWKWARD_NAMES[::2] if name not in UNUSED}
    assert faces <= portraits.made.keys()
    (benchmark,) = project.folder.glob("logs/**/photos.shard~00.tsv")
    (usage,) = pd.read_csv(benchmark, sep="\t").to_dict("records")
    assert usage["max_rss"] * 1e6 < MEMORY + 1e9


def test_awkward_names_go_through_a_whole_study(root: Path, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    project = Project(root, tmp_path / "study")
    project.set(
        study={"known_plate": 0, "examples": []},
        images={"size": 256},
        invert={"method": "e4e"},
        edit={"degrees": [3]},
        methods=["hfgi", "ripple_inpaint"],
        metrics={"bootstrap": 100},
    )
    names = ["-rf", " 'a' \"b\" {c} ", "line\nbreak", "<b>&lt;Ü 顔,;|$HOME", "ü" * 112]
    put(project.folder / "data/photos", [(f"{name}.jpg", pictures()[0] + name.encode()) for name in names])
    before = state(tmp_path)
    status, output = project.run()
    assert status == 0, output
    assert state(tmp_path) == before
    photos = {printable(name) for name in names}
    (table,) = project.folder.glob("results/lite/**/tables/**/metrics.csv")
    assert set(pd.read_csv(table)["photo"]) == photos
    page = next(project.folder.glob("results/lite/**/report/**/index.html")).read_text()
    assert "&lt;b&gt;&amp;lt;Ü 顔" in page
    assert not re.search(r"<b>&lt;Ü", page)


@pytest.mark.parametrize("number", range(2))
def test_the_command_line_uses_or_refuses_each(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "load", lambda folder, device: ColumnModels())
    files = list(mutated(SEED, COUNT))
    files = [*files[: len(AWKWARD_NAMES) + len(oddities())], *files[-60:]][number::2]
    folder, out = tmp_path / "photos", tmp_path / "out"
    put(folder, files)
    monkeypatch.chdir(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used = 0
    for name, _ in files:
        code, said = run("edit", "--refine", 0, "--out", out, "--", name)
        assert code in (0, 1), said
        if code == 1:
            assert len(said.splitlines()) == 1, said
            assert said.startswith(printable(name) + ": ") and len(said) > len(printable(name)) + 10
        used += code == 0
    assert used >= (10 if number == 0 else 0)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY
    assert {path.name for path in tmp_path.iterdir()} <= {"photos", "out"}
    assert len(list(folder.iterdir())) == len(files)


def test_a_file_name_that_no_file_system_takes_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "load", lambda folder, device: ColumnModels())
    code, said = run("edit", "--out", tmp_path / "out", tmp_path / ("x" * 400))
    assert code == 1
    assert "too long" in said and len(said.splitlines()) == 1
