"""Image2StyleGAN: it starts at the mean, its loss falls, and it is one of several inverters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler, mean_code
from unripple.settings import inverters
from unripple.stages.i2s import i2s
from unripple.stages.invert import encode
from unripple.stages.likeness import unlikeness
from unripple.stages.refine import encode_refined


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def photo(models: ModelSet) -> Tensor:
    with torch.no_grad():
        return to_256(models.generator(rows(CodeSampler(models.mapping, seed=8, truncation=(0.7, 0.7)).draw(1))))


def test_without_steps_every_photo_is_the_mean(models: ModelSet, photo: Tensor) -> None:
    codes = i2s(photo.expand(2, -1, -1, -1), 0, models)
    assert torch.equal(codes, rows(mean_code(models.mapping).expand(2, -1)))


def test_the_loss_falls_and_the_rows_part(models: ModelSet, photo: Tensor) -> None:
    def lost(w_plus: Tensor) -> float:
        with torch.no_grad():
            return float(unlikeness(models.small_picture(w_plus), photo, models.perceptual.features(photo), models))

    start, some, more = (i2s(photo, steps, models) for steps in (0, 3, 6))
    assert lost(start) > lost(some) > lost(more)
    assert (more[:, 0] - more[:, 12]).abs().max() > 0.01  # W+, not W


def test_encode_takes_each_inverter_of_the_set(models: ModelSet, photo: Tensor) -> None:
    assert torch.equal(encode(photo, models, "i2s", 1), i2s(photo, 1, models))
    assert torch.equal(encode(photo, models, "e4e"), models.encoder(photo))
    refined = encode(photo, models, "hybrid", 1)
    assert torch.equal(refined, encode_refined(photo, 1, models))
    with pytest.raises(ValueError, match="expected e4e, the only one of the lite set, found psp"):
        encode(photo, models, "psp")


@pytest.mark.parametrize("models_", inverters.STEPS)
def test_every_inverter_is_spelled_and_read_back(models_: str) -> None:
    for method, steps in inverters.STEPS[models_].items():
        assert inverters.read(inverters.spelled(method, steps)) == (method, steps)
