"""The edit: two pictures that share what they can, in either precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.files.tensors import to_256, to_uint8
from unripple.models import ModelSet
from unripple.models.devices import computes_in_bfloat16
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.stages.edit import Edited, edit


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def photo(models: ModelSet) -> tuple[Tensor, Tensor]:
    """A code somewhat off a rendered face, and the distortion map between them."""
    w = CodeSampler(models.mapping, seed=5, truncation=(0.7, 0.7)).draw(2)
    with torch.no_grad():
        true, guess = (to_256(models.generator(rows(code[None]))) for code in (w[0], w[0] + 0.3 * (w[1] - w[0])))
    return rows(w[:1] + 0.3 * (w[1:] - w[:1])), true - guess


@pytest.fixture(scope="module")
def full(models: ModelSet, photo: tuple[Tensor, Tensor]) -> Edited:
    return edit(*photo, models.direction("pose"), 3.0, models)


def test_what_lies_below_the_fusion_is_run_once(
    models: ModelSet, photo: tuple[Tensor, Tensor], full: Edited, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, run = [], models.generator.to_fusion

    def counted(w_plus: Tensor) -> Any:
        calls.append(w_plus)
        return run(w_plus)

    monkeypatch.setattr(models.generator, "to_fusion", counted)
    again = edit(*photo, models.direction("pose"), 3.0, models)
    assert len(calls) == 1
    torch.testing.assert_close(again.hfgi, full.hfgi)


def test_degree_zero_adds_the_details_that_the_code_lost(models: ModelSet, photo: tuple[Tensor, Tensor]) -> None:
    w_plus, distortion = photo
    same = edit(w_plus, distortion, models.direction("pose"), 0.0, models)
    truth = to_256(same.e4e) + distortion
    assert (to_256(same.hfgi) - truth).square().mean() < 0.5 * (to_256(same.e4e) - truth).square().mean()
    torch.testing.assert_close(same.w_plus, w_plus)


@pytest.mark.skipif(not computes_in_bfloat16(torch.device("cpu")), reason="refused on this CPU: it takes minutes")
def test_bfloat16_stays_within_a_grey_level_on_average(
    models: ModelSet, photo: tuple[Tensor, Tensor], full: Edited
) -> None:
    half = edit(*photo, models.direction("pose"), 3.0, models, "bfloat16")
    for one, other in ((half.e4e, full.e4e), (half.hfgi, full.hfgi)):
        assert one.dtype == torch.float32
        apart = np.abs(to_uint8(one).astype(float) - to_uint8(other).astype(float))
        assert 0 < apart.mean() < 1
        assert 10 * np.log10(255**2 / np.square(apart).mean()) > 40
