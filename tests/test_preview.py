"""The preview that codes are refined by: near the generator's picture, so that its gradient leads the same way."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from test_small_picture import with_gradient
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.models import lite
from unripple.models.lite import LiteModels
from unripple.networks import small_picture as strips
from unripple.networks.mobile_stylegan import MobileStyleGAN, rows
from unripple.networks.preview import FIRST, Preview, scales
from unripple.networks.small_picture import previewed
from unripple.networks.w_space import CodeSampler
from unripple.training import runner
from unripple.training.preview import Pair, Pairs, Recipe, begun, quality, train
from unripple.weights.lite import MissingModel, load_direction, load_generator, load_mapping, load_preview


@pytest.fixture(scope="module")
def models(root: Path) -> LiteModels:
    return lite.load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def generator(root: Path) -> MobileStyleGAN:
    return load_generator(root / "models" / "lite").to(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def pairs(root: Path, generator: MobileStyleGAN) -> Pairs:
    folder = root / "models" / "lite"
    return Pairs(generator, load_mapping(folder), load_direction(folder, "pose"))


@pytest.fixture(scope="module")
def start(generator: MobileStyleGAN) -> Preview:
    return begun(generator)


def codes(models: LiteModels, count: int) -> Tensor:
    return CodeSampler(models.mapping, seed=77, truncation=(0.8, 0.8)).draw(count)


def psnr(picture: Tensor, other: Tensor) -> float:
    return float(10 * torch.log10(4 / (picture - other).square().mean()))


@pytest.mark.parametrize("strip", [1 << 15, 1 << 30])
def test_strips_change_neither_picture_nor_gradient(
    models: LiteModels, generator: MobileStyleGAN, start: Preview, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips, "STRIP", strip)
    w_plus = codes(models, 36).view(2, 18, 512).clone()  # another code in each row
    w_plus[:, -1] *= 3  # glaring colours
    w_plus.requires_grad_()
    plain = start(generator.features(w_plus, FIRST), scales(generator, w_plus)).clamp(-1, 1)
    wanted, gradient = with_gradient(plain, w_plus)
    found, its_gradient = with_gradient(previewed(generator, start, w_plus), w_plus)
    assert wanted.abs().max() == 1  # some pixels are clamped, and pass no gradient
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
    assert (its_gradient - gradient).norm() < 0.01 * gradient.norm()


def test_the_shipped_one_is_near_the_picture_and_leads_the_same_way(models: LiteModels) -> None:
    photo, *near = codes(models, 4).split(1)
    with torch.no_grad():
        wanted = models.perceptual.features(to_256(models.generator(rows(photo))))
    for w in near:
        found = []
        for render in (models.small_picture, models.preview):
            at = w.clone().requires_grad_()
            picture = render(rows(at))
            error = models.perceptual.distance_map(models.perceptual.features(picture), wanted, (256, 256))
            found += [picture.detach(), *torch.autograd.grad(error.mean(), at)]
        exact, gradient, near_by, its_gradient = found
        assert psnr(near_by, exact) > 31
        assert torch.cosine_similarity(its_gradient, gradient) > 0.8


def test_a_training_starts_near_and_comes_nearer(pairs: Pairs, start: Preview) -> None:
    preview = copy.deepcopy(start)
    assert train(pairs, preview, Fabric(accelerator="cpu", devices=1), Recipe(steps=10, batch=1, lr=3e-4)) == 10
    before, after = (quality(one, pairs, 3) for one in (start, preview))
    assert 23 < before < after


def test_a_resumed_training_equals_an_unbroken_one(
    pairs: Pairs, start: Preview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabric, recipe, file = Fabric(accelerator="cpu", devices=1), Recipe(steps=4, batch=1), tmp_path / "stopped.ckpt"
    unbroken, stopped, resumed = (copy.deepcopy(start) for _ in range(3))
    train(pairs, unbroken, fabric, recipe)
    calls = itertools.count()

    def mortal(seed: int, count: int) -> Iterator[Pair]:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return Pairs.draw(pairs, seed, count)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "SAVE_EVERY", 0.0)  # a checkpoint after every step
        patch.setattr(pairs, "draw", mortal)
        train(pairs, stopped, fabric, recipe, checkpoint=file)
    assert train(pairs, resumed, fabric, recipe, checkpoint=file) == 4
    for key, value in unbroken.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key
        if not key.endswith("noise"):
            assert not torch.equal(start.state_dict()[key], value), f"{key} was not trained"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"preview\.safetensors: model file not found"):
        load_preview(tmp_path)
