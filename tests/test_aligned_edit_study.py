"""The rows of other alignments in a study: refused without their file, and HFGI's own picture with HFGI's own ADA."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_study_published import tiny_weights
from test_workflow import TINY, Project

from unripple.jobs import index
from unripple.jobs.index import Index
from unripple.weights.roles import PUBLISHED

pytestmark = pytest.mark.timeout(1800)

METHODS = ["hfgi", "ada_pose", "motion_fusion"]


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Project:
    """The astronaut alone, by the three rows, without the file that one of them needs."""
    project = Project(root, tmp_path)
    (tmp_path / "models/lite/ada_pose.safetensors").unlink(missing_ok=True)
    project.set(**(TINY | {"study": {"known_plate": 0}, "methods": METHODS}))
    return project


def given(project: Project) -> None:
    """HFGI's own ADA as the one of true turns."""
    folder = project.folder / "models/lite"
    state = load_file(folder / "consultation.safetensors")
    own = {key.removeprefix("grid_align."): value for key, value in state.items() if key.startswith("grid_align.")}
    save_file(own, folder / "ada_pose.safetensors")


def test_without_its_network_the_row_is_refused_before_anything_runs(project: Project) -> None:
    status, output = project.run()
    assert status != 0
    assert "models/lite/ada_pose.safetensors: no such file, and row ada_pose needs it; `make weights` puts" in output
    assert "Traceback" not in output and not (project.folder / "results").exists()
    project.set(methods=["hfgi", "motion_fusion"])
    planned = project.plan()
    assert (planned["motion"], planned["motion_fusion"]) == (1, 1) and "layered_edit" not in planned


def test_with_the_published_models_it_is_told_how_it_is_trained(project: Project) -> None:
    tiny_weights(project.folder / PUBLISHED, "pose")
    project.set(models="published", invert={"method": "auto", "steps": "auto"})
    status, output = project.run("--dry-run")
    assert status != 0
    assert "models/published/ada_pose.safetensors: no such file, and row ada_pose needs it; no one has" in output
    assert "unripple.training.hfgi --misalign pose` trains it" in output and "Traceback" not in output
    save_file({"weight": torch.ones(1)}, project.folder / PUBLISHED / "ada_pose.safetensors")
    assert project.plan()["ada_pose"] == 1


@pytest.mark.parametrize("inverter", ["hybrid", pytest.param("pti", marks=pytest.mark.long)])
def test_with_hfgi_s_ada_its_row_is_hfgi_s(project: Project, inverter: str) -> None:
    """Bit by bit, also where the photo has a generator of its own; the motion gives another picture."""
    given(project)
    project.set(invert={"method": inverter, "steps": 1})
    computed = f"results/lite/default/size~256/invert~{inverter}-1/precision~float32"
    edited = "attribute~pose/degree~3/shard~00.json"
    files = {row: f"{computed}/cleaned/method~{row}/{edited}" for row in METHODS[1:]}
    status, output = project.run("--", *files.values())
    assert status == 0, output
    found: dict[str, Index] = {row: index.read(project.folder / file) for row, file in files.items()}
    edits = index.read(project.folder / f"{computed}/edits/{edited}")
    for made in found.values():
        made.verify()
    hfgi, e4e = (edits.path("astronaut", f".{row}.png").read_bytes() for row in ("hfgi", "e4e"))
    by_ada, by_motion = (found[row].path("astronaut", ".png").read_bytes() for row in METHODS[1:])
    assert by_ada == hfgi
    assert by_motion not in (hfgi, e4e)
