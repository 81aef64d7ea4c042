"""Pivotal tuning: the pivot comes nearer, its neighbours stay, and no photo's generator serves another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unripple.files.tensors import to_256
from unripple.models.lite import LiteModels, load
from unripple.models.tuned import tuned
from unripple.networks.mobile_stylegan import rows
from unripple.networks.moved import flat, moved
from unripple.networks.w_space import CodeSampler
from unripple.stages import pti
from unripple.stages.invert import encode, invert


@pytest.fixture(scope="module")
def models(root: Path) -> LiteModels:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def photos(models: LiteModels) -> Tensor:
    with torch.no_grad():
        return to_256(models.generator(rows(CodeSampler(models.mapping, seed=8, truncation=(0.7, 0.7)).draw(2))))


def test_a_moved_network_is_another() -> None:
    plain = nn.Linear(3, 2)
    start = flat(plain)
    other = moved(plain, torch.arange(8.0))
    assert torch.equal(flat(other), start + torch.arange(8.0))
    assert torch.equal(flat(plain), start)
    assert not any(parameter.requires_grad for parameter in other.parameters())
    with pytest.raises(ValueError, match=r"expected \(8,\), a move of every weight, found \(7,\)"):
        moved(plain, torch.zeros(7))


def test_without_steps_it_is_the_pivot(models: LiteModels, photos: Tensor) -> None:
    pivot = models.encoder(photos[:1])
    assert not pti.tuned(photos[:1], pivot, models, 0).any()
    assert tuned(models, torch.zeros(0)) is models


def test_the_codes_of_the_regularisation_lie_around_the_pivot(models: LiteModels, photos: Tensor) -> None:
    pivot, random = models.encoder(photos[:1]), torch.Generator().manual_seed(0)
    first, second = (pti.near(pivot, models, random) for _ in range(2))
    assert float((first - pivot).norm()) == pytest.approx(30, rel=1e-4)
    assert not torch.equal(first, second)


def test_tuning_brings_the_picture_nearer_and_belongs_to_its_photo(models: LiteModels, photos: Tensor) -> None:
    before = flat(models.generator)
    pivots = models.encoder(photos)
    moves = [pti.tuned(photos[i : i + 1], pivots[i : i + 1], models, 1) for i in range(2)]
    assert torch.equal(flat(models.generator), before)
    assert moves[0].dtype == torch.float16 and not torch.equal(moves[0], moves[1])

    @torch.no_grad()
    def error(of: int, by: Tensor | None) -> float:
        own = models if by is None else tuned(models, by)
        return float((to_256(own.generator(pivots[of : of + 1])) - photos[of : of + 1]).square().mean())

    for mine, other in ((0, 1), (1, 0)):
        assert error(mine, moves[mine]) < error(mine, None)
        assert error(mine, moves[mine]) < error(mine, moves[other])
    own = tuned(models, moves[0])
    assert own.generator is not models.generator and own.consult(photos[:1]).scale.equal(
        models.consult(photos[:1]).scale
    )


def test_the_inversion_keeps_pivot_and_generator(
    models: LiteModels, photos: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiteModels, "inverter", ("e4e", 0))
    found = invert(photos[:1], models, "pti", 1)
    assert torch.equal(found.w_plus, models.encoder(photos[:1]))
    assert torch.equal(found.w_plus, encode(photos[:1], models, "pti", 1))
    with torch.no_grad():
        again = tuned(models, found.tuned[0]).generator(found.w_plus)
    torch.testing.assert_close(found.e4e, again)
    torch.testing.assert_close(found.distortion, photos[:1] - to_256(again))
    assert invert(photos[:1], models, "e4e").tuned.shape == (1, 0)
