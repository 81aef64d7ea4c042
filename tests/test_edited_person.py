"""The whole way of the person, with a face whose code is off: the photo's details must arrive in the edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.detectors.face_mesh import FaceMesh
from unripple.files.pictures import Rgb, signed
from unripple.files.tensors import resize, to_256, to_uint8
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.stages.edit import Edited, edit
from unripple.stages.edited_person import EditedPerson, Inverted, edited_person
from unripple.stages.parse import person_matte

SIZE, DEGREE = 512, 2.0


def stored(rgb: Tensor) -> Rgb:
    return np.asarray(to_uint8(resize(rgb, SIZE))[0])


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def codes(models: ModelSet) -> tuple[Tensor, Tensor]:
    """A face's code, and one that is off."""
    w = CodeSampler(models.mapping, seed=3, truncation=(0.7, 0.7)).draw(2)
    return rows(w[:1]), rows(w[:1] + 0.3 * (w[1:] - w[:1]))


@pytest.fixture(scope="module")
def turned(models: ModelSet, codes: tuple[Tensor, Tensor]) -> tuple[EditedPerson, Edited]:
    right, off = codes
    direction = models.direction("pose")
    with torch.no_grad():
        photo, e4e = models.generator(right), models.generator(off)
        matte = person_matte(resize(photo, SIZE), models)[0, 0].numpy()
    distortion = to_256(photo) - to_256(e4e)
    same, low_rate = (edit(off, distortion, direction, degree, models) for degree in (0.0, DEGREE))
    inverted = Inverted(stored(photo), matte, stored(e4e), stored(same.hfgi), off[0], distortion[0].numpy())
    baseline = person_matte(resize(low_rate.hfgi, SIZE), models)[0, 0].numpy()
    found = edited_person(inverted, stored(low_rate.e4e), baseline, direction, DEGREE, models, FaceMesh())
    return found, low_rate


def test_pictures_and_matte_have_the_size_of_the_portrait(turned: tuple[EditedPerson, Edited]) -> None:
    found, _ = turned
    for rgb in (found.layered, found.detailed):
        assert rgb.shape == (SIZE, SIZE, 3) and rgb.dtype == np.float32 and np.abs(rgb).max() <= 1
    assert found.matte.shape == found.moved.sureness.shape == (SIZE, SIZE)


def test_each_step_comes_nearer_to_the_true_edit(
    models: ModelSet, codes: tuple[Tensor, Tensor], turned: tuple[EditedPerson, Edited]
) -> None:
    found, low_rate = turned
    with torch.no_grad():
        true = signed(stored(models.generator(codes[0] + DEGREE * models.direction("pose"))))
    person = found.matte > 0.9

    def error(rgb: np.ndarray) -> float:
        return float(np.square(rgb - true)[person].mean())

    assert error(found.detailed) < error(found.layered) < error(signed(stored(low_rate.e4e)))
