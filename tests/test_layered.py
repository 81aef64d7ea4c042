"""Layered consultation: no background enters, and what is consulted brings the person's details back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from unripple.files.pictures import Matte
from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.stages.detail import CONSULTED
from unripple.stages.layered import layered_edit, person_distortion, person_distortions
from unripple.stages.warp import no_motion

SIZE = 512


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


def column(left: int = 128, right: int = 384) -> Matte:
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[:, left:right] = 1
    return matte


def noise(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-1, 1, (3, 256, 256)).astype(np.float32)


def test_what_lies_outside_the_person_never_enters() -> None:
    one, other = noise(0), noise(1)
    other[:, :, 64:192] = one[:, :, 64:192]
    motion = no_motion((SIZE, SIZE)) + np.array([6, 0], np.float32)
    np.testing.assert_array_equal(person_distortion(one, column(), motion), person_distortion(other, column(), motion))


def test_well_inside_a_person_who_does_not_move_the_map_stays() -> None:
    found = person_distortion(noise(0), column(), no_motion((SIZE, SIZE)))
    assert found.shape == (3, 256, 256) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, :, 70:186], CONSULTED * noise(0)[:, :, 70:186], atol=1e-5)


def test_the_map_goes_where_the_person_goes() -> None:
    found = person_distortion(noise(0), column(), no_motion((SIZE, SIZE)) + np.array([20, 0], np.float32))
    np.testing.assert_allclose(found[:, :, 60:176], CONSULTED * noise(0)[:, :, 70:186], atol=1e-5)


def test_a_batch_is_aligned_one_by_one() -> None:
    mattes, motions = (column(), column(200, 300)), [no_motion((SIZE, SIZE)) + np.float32(by) for by in (3, -5)]
    found = person_distortions(
        torch.from_numpy(np.stack([noise(0), noise(1)])),
        torch.from_numpy(np.stack(mattes))[:, None],
        torch.from_numpy(np.stack(motions)),
    )
    for i in range(2):
        np.testing.assert_array_equal(found[i].numpy(), person_distortion(noise(i), mattes[i], motions[i]))


def test_colours_go_on_beyond_the_outline() -> None:
    flat = np.full((3, 256, 256), 0.25, np.float32)
    flat[:, :, :60] = -1
    np.testing.assert_allclose(person_distortion(flat, column(), no_motion((SIZE, SIZE))), CONSULTED * 0.25, atol=1e-5)


def test_details_that_the_code_lost_come_back(models: ModelSet) -> None:
    w = CodeSampler(models.mapping, seed=5, truncation=(0.7, 0.7)).draw(2)
    guess = rows(w[:1] + 0.3 * (w[1:] - w[:1]))
    with torch.no_grad():
        photo, e4e = to_256(models.generator(rows(w[:1]))), to_256(models.generator(guess))
    everyone = np.ones((SIZE, SIZE), np.float32)
    aligned = person_distortion((photo - e4e)[0].numpy(), everyone, no_motion((SIZE, SIZE)))
    made = layered_edit(guess, torch.from_numpy(aligned)[None], models.direction("pose"), 0.0, models)
    assert made.shape == (1, 3, 1024, 1024) and made.dtype == torch.float32

    def error(rgb: Tensor) -> float:
        return float((to_256(rgb) - photo).square().mean())

    assert error(made) < 0.5 * error(e4e)


def test_a_map_of_another_size_is_refused(models: ModelSet) -> None:
    with pytest.raises(ValueError, match=r"aligned: expected \(B, 3, 256, 256\)"):
        layered_edit(torch.zeros(1, 18, 512), torch.zeros(1, 3, 64, 64), models.direction("pose"), 1.0, models)
