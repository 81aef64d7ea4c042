"""The trainings as a workflow: each sees what was trained before it, and nothing that is shipped in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_workflow import TINY, Project

TRAINED = "results/training/models/"
#: Taken from the shipped set: what nobody here trains, and the direction of age, which needs another teacher.
SHIPPED = {
    "training_start": {"models/lite/generator.safetensors", "models/lite/mapping.safetensors"},
    "train_directions": {"models/lite/directions.safetensors"},
}


@pytest.fixture(scope="module")
def jobs(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The jobs of ``make train``, by rule."""
    project = Project(root, tmp_path_factory.mktemp("train"))
    project.set(**TINY)
    teacher = project.folder / ".venv-teacher/bin/python"
    teacher.parent.mkdir(parents=True)
    teacher.touch()
    return {job["rule"]: job for job in project.announced("train")}


def test_every_network_is_trained(jobs: dict[str, dict[str, Any]]) -> None:
    networks = {file for job in jobs.values() for file in job["output"] if file.startswith(TRAINED)}
    trained = {"directions", "parser", "inpainter", "encoder", "preview", "descent", "consultation", "ada_pose"}
    trained |= {"ripple_finder", "generator", "mapping"}
    assert networks == {f"{TRAINED}{name}.safetensors" for name in trained}


def test_what_is_trained_sees_what_was_trained_before(jobs: dict[str, dict[str, Any]]) -> None:
    for rule, job in jobs.items():
        shipped = {file for file in job["input"] if file.startswith("models/")}
        assert shipped == SHIPPED.get(rule, set()), rule
    assert {f"{TRAINED}{name}.safetensors" for name in ("parser", "preview")} <= set(jobs["train_encoder"]["input"])
    assert f"{TRAINED}encoder.safetensors" in jobs["train_consultation"]["input"]
    assert {f"{TRAINED}{name}.safetensors" for name in ("encoder", "preview")} <= set(jobs["train_descent"]["input"])
    assert f"{TRAINED}directions.safetensors" in jobs["training_faces"]["input"]
    assert f"{TRAINED}consultation.safetensors" in jobs["train_ripples"]["input"]
