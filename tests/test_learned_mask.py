"""A study whose ripple masks a network finds: its plan, and its jobs on one portrait, with weights nobody trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_workflow import TINY, Project

from unripple.files.pictures import read_mask, read_matte, read_rgb
from unripple.networks.ripple_finder import RippleFinder
from unripple.stages.composite import settled
from unripple.training.export import export
from unripple.weights.own import own_file

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Asks for learned masks; the finder's weights are random, and it is sure of about half of each picture."""
    made = Project(root, tmp_path_factory.mktemp("learned"))
    made.set(**{**TINY, "study": {"known_plate": 1, "examples": []}, "ripple": {"operation": "learned"}})
    torch.manual_seed(1)
    export(RippleFinder(), own_file(made.folder / "models/lite", "ripple_finder"), {})
    return made


def test_learned_masks_take_the_place_of_the_bit_operation(project: Project) -> None:
    rules = {job["rule"] for job in project.announced()}
    assert "learned_ripple" in rules and "ripple" not in rules
    project.set(ripple={"operation": "and_not"})
    rules = {job["rule"] for job in project.announced()}
    project.set(ripple={"operation": "learned"})
    assert "ripple" in rules and "learned_ripple" not in rules


def test_nothing_runs_where_the_finder_is_missing(project: Project) -> None:
    weights = own_file(project.folder / "models/lite", "ripple_finder")
    aside = weights.rename(weights.with_suffix(".aside"))
    status, output = project.run("--dry-run")
    aside.rename(weights)
    assert status != 0
    assert "models/lite/ripple_finder.safetensors: no such file, and ripple.operation = learned needs it" in output
    assert "Traceback" not in output


def test_the_learned_mask_is_filled_and_the_person_put_back(project: Project) -> None:
    (target,) = (job["output"][0] for job in project.announced() if job["rule"] == "ripple_inpaint")
    status, output = project.run("--", target)
    assert status == 0, output
    results = project.folder / "results/lite/default"
    (mask_file,) = results.rglob("ripples/**/operation~learned/**/known-plate-00.png")
    (matte_file,) = results.rglob("mattes/edit/**/known-plate-00.png")
    (hfgi_file,) = results.rglob("edits/**/known-plate-00.hfgi.png")
    mask, matte = read_mask(mask_file), settled(read_matte(matte_file))
    hfgi, made = read_rgb(hfgi_file), read_rgb((project.folder / target).with_name("known-plate-00.png"))
    assert (mask & (matte == 1)).any() and (mask & (matte == 0)).any()
    filled = mask & (matte == 0)
    assert (made != hfgi).any(axis=2)[filled].mean() > 0.5
    assert np.array_equal(made[~mask], hfgi[~mask])
    assert np.array_equal(made[matte == 1], hfgi[matte == 1])
