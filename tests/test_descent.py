"""Axes of refinement: turned to where gradients vary apart, learned from faces, and shipped ones that go farther."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from unripple.files.data import write_arrays
from unripple.files.tensors import to_256, to_uint8
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.descent import Descent
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.stages.refine import begun, descend
from unripple.training import descent
from unripple.weights.lite import MissingModel, load_descent, load_parser


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def plain(models: ModelSet) -> Descent:
    return Descent.along_variance(models.mapping)


def test_turned_axes_are_those_along_which_gradients_vary_apart(plain: Descent) -> None:
    random = torch.Generator().manual_seed(0)
    gradients = torch.randn(900, 512, generator=random)
    gradients[:, 1] = 3 * gradients[:, 0] + 0.1 * gradients[:, 1]
    found = plain.turned(gradients)
    torch.testing.assert_close(found.axes.T @ found.axes, plain.axes.T @ plain.axes, rtol=1e-4, atol=1e-4)
    along = gradients / gradients.norm(dim=1, keepdim=True) @ torch.linalg.solve(plain.axes.T, found.axes.T)
    moments = along.T @ along / along.square().sum(dim=1).mean() * 512 / len(along)
    torch.testing.assert_close(moments, torch.diag(found.squares), rtol=0, atol=2e-3)
    assert found.squares.mean() == pytest.approx(1, abs=1e-5)
    assert found.squares[-1] > 3 * found.squares[-2]


def test_the_length_of_a_gradient_does_not_count(plain: Descent) -> None:
    gradients = torch.randn(40, 512, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        plain.turned(gradients).squares, plain.turned(gradients * torch.arange(1, 41)[:, None]).squares
    )


@pytest.mark.parametrize("seed", [31, 32])
def test_the_shipped_axes_go_farther_than_those_of_variance(models: ModelSet, plain: Descent, seed: int) -> None:
    """From where the encoder leaves off, by nearly as many steps as a study takes."""
    w = CodeSampler(models.mapping, seed=seed, truncation=(0.7, 0.7)).draw(1)
    left = {}
    with torch.no_grad():
        photo = to_256(models.generator(rows(w)))
        matte = models.parser(photo)
        start, weight = begun(photo, models.encoder(photo), models)
        for name, along in (("shipped", models.descent), ("plain", plain)):
            code, _ = descend(photo, start, 6, models, along, weight)
            left[name] = float((matte * (models.small_picture(rows(code[:, 0])) - photo).square()).mean())
    assert left["shipped"] < 0.8 * left["plain"]


def test_axes_are_learned_from_faces(
    models: ModelSet, plain: Descent, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descent, "STEPS", 1)
    with torch.no_grad():
        w = CodeSampler(models.mapping, seed=4).draw(2)
        rgb = np.concatenate([to_uint8(models.small_picture(rows(one))) for one in w.split(1)])
    write_arrays(tmp_path / "faces~1000.npz", {"rgb": rgb, "w": w.numpy(), "degree": np.zeros(2, dtype=np.float32)})
    parser = load_parser(root / "models" / "lite")
    found = descent.learn(tmp_path, 2, models, parser)
    torch.testing.assert_close(found.axes.T @ found.axes, plain.axes.T @ plain.axes, rtol=1e-4, atol=1e-4)
    assert (found.squares[:-2].abs() < 1e-3 * found.squares[-1]).all()  # two gradients vary along two axes
    with pytest.raises(ValueError, match="expected 3 faces, found 2"):
        descent.learn(tmp_path, 3, models, parser)


def test_files_that_are_missing_or_hold_something_else_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"descent\.safetensors: model file not found"):
        load_descent(tmp_path)
    save_file({"axes": torch.zeros(3, 512), "squares": torch.ones(512)}, tmp_path / "descent.safetensors")
    with pytest.raises(
        ValueError, match=r"descent\.safetensors: expected axes \(512, 512\) and squares \(512,\), found"
    ):
        load_descent(tmp_path)
