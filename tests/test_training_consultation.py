"""A few steps of the consultation training on the real generator at a small window."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from unripple.files.tensors import to_uint8
from unripple.models import lite
from unripple.models.lite import LiteModels
from unripple.networks.consultation import Aligner, pass_distortion
from unripple.networks.mobile_stylegan import Window, rows
from unripple.networks.w_space import CodeSampler
from unripple.training import consultation, runner
from unripple.training.augment import Dice, signed
from unripple.training.consultation import Consultation, Recipe, Sample, Trainer, guessed, varied
from unripple.training.photographed import Faces, Photographer
from unripple.weights.lite import load_consultation


@pytest.fixture(scope="module")
def models(root: Path) -> LiteModels:
    return lite.load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def photographer(models: LiteModels) -> Photographer:
    """Of two faces."""
    w = CodeSampler(models.mapping, seed=1).draw(2)
    with torch.no_grad():
        rgb = torch.from_numpy(to_uint8(models.small_picture(rows(w))))
        matte = models.parser(signed(rgb)).mul(255).round().to(torch.uint8)[:, 0]
    return Photographer(Faces(rgb, matte, w), torch.full((1, 256, 256, 3), 90, dtype=torch.uint8))


def trainer(models: LiteModels, photographer: Photographer, **changes: Any) -> Trainer:
    recipe = Recipe(**({"steps": 4, "batch": 1, "window": 16, "alone": 0.5} | changes))
    return Trainer(models, photographer, recipe, Fabric(accelerator="cpu", devices=1, precision="32-true"))


def dies_at(of: Trainer, step: int) -> Callable[..., dict[str, torch.Tensor]]:
    """The trainer's losses, killed in a step."""
    losses, calls = of.losses, itertools.count()

    def mortal(drawn: Sample, random: torch.Generator, *, joint: bool) -> dict[str, torch.Tensor]:
        if next(calls) == step:
            raise KeyboardInterrupt
        return losses(drawn, random, joint=joint)

    return mortal


def weights(of: Trainer) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in of.module.state_dict().items()}


def test_training_lowers_the_loss_on_one_photo(
    models: LiteModels, photographer: Photographer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = guessed(photographer.photos(torch.tensor([0]), Dice(0, 0)), models)
    monkeypatch.setattr(consultation, "varied", lambda *_: one)
    run = trainer(models, photographer, steps=12, alone=1.0, lr=5e-3, perspective=0.0, window=20)
    before = run.losses(one, torch.Generator().manual_seed(5), joint=False)
    assert run.run() == 12
    after = run.losses(one, torch.Generator().manual_seed(5), joint=False)
    assert float(after["l2"]) < 0.7 * float(before["l2"])
    assert float(after["align"]) < float(before["align"])


def test_resumed_run_equals_an_unbroken_one(models: LiteModels, photographer: Photographer, tmp_path: Path) -> None:
    unbroken = trainer(models, photographer)
    assert unbroken.run() == 4
    file = tmp_path / "stopped.ckpt"
    stopped = trainer(models, photographer)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "SAVE_EVERY", 0.0)  # a checkpoint after every step
        patch.setattr(stopped, "losses", dies_at(stopped, 2))
        stopped.run(file)
    resumed = trainer(models, photographer)
    assert resumed.run(file) == 4
    for key, value in weights(unbroken).items():
        torch.testing.assert_close(weights(resumed)[key], value, msg=key, atol=1e-6, rtol=1e-4)


def test_a_training_goes_on_with_both_networks(models: LiteModels, photographer: Photographer) -> None:
    start = Consultation()
    start.grid_align, start.residue = load_consultation(models.folder)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    begun = Trainer(models, photographer, Recipe(batch=1), fabric, start)
    for key, value in start.state_dict().items():
        assert torch.equal(begun.plain.state_dict()[key], value), key


def test_untrained_consultation_changes_nothing(models: LiteModels, photographer: Photographer) -> None:
    low, high = consultation.quality(Consultation(), models, photographer)
    assert high == pytest.approx(low, abs=0.05)


def test_the_shipped_consultation_brings_details_back(models: LiteModels, photographer: Photographer) -> None:
    shipped = Consultation()
    shipped.grid_align, shipped.residue = load_consultation(models.folder)
    low, high = consultation.quality(shipped, models, photographer)
    assert high > low + 3


def test_some_samples_are_nearer_to_the_truth_and_some_ask_for_the_person_alone(
    models: LiteModels, photographer: Photographer
) -> None:
    photos = photographer.photos(torch.arange(8) % 2, Dice(0, 0))
    plain, some = guessed(photos, models), varied(photos, models, Dice(0, 0))
    far, near = ((drawn.w - photos.w).square().sum(dim=1) for drawn in (plain, some))
    assert 1 <= int((near < 0.95 * far).sum()) <= 7 and bool((near <= far * 1.001).all())
    beside = photos.matte < 0.02
    persons = [not bool(((one.wanted - one.rendered).abs() * out).max() > 0.05) for one, out in _each(some, beside)]
    assert 1 <= sum(persons) <= 7


def _each(drawn: Sample, beside: torch.Tensor) -> list[tuple[Sample, torch.Tensor]]:
    return [(Sample(*(part[i] for part in drawn)), beside[i]) for i in range(len(beside))]


def test_inner_drops_the_margin_on_cut_sides_alone() -> None:
    picture = torch.zeros(1, 3, 128, 128)
    assert consultation.inner(picture, Window(0, 32, 32)).shape[-2:] == (116, 116)
    assert consultation.inner(picture, Window(16, 16, 32)).shape[-2:] == (104, 104)
    assert consultation.inner(torch.zeros(1, 3, 256, 256), Window(0, 0, 64)).shape[-2:] == (256, 256)


def test_aligner_starts_by_passing_the_distortion_map() -> None:
    torch.manual_seed(0)
    aligner = Aligner().eval()
    distortion, edited = torch.randn(2, 1, 3, 64, 64).unbind()
    with torch.no_grad():
        before = aligner(distortion, edited)
        pass_distortion(aligner)
        torch.testing.assert_close(aligner(distortion, edited), distortion, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(before, distortion, atol=0.1)


def test_aligner_that_passes_the_map_can_learn() -> None:
    aligner = Aligner().eval()
    pass_distortion(aligner)
    distortion, edited = torch.randn(2, 1, 3, 32, 32).unbind()
    (aligner(distortion, edited) - edited).square().mean().backward()
    for key in ("conv_layer1.0.weight", "dconv_layer3.1.shortcut_layer.0.weight", "dconv_layer3.2.res_layer.4.weight"):
        gradient = aligner.get_parameter(key).grad
        assert gradient is not None and gradient.abs().max() > 0, key
