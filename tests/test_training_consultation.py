"""A few steps of the consultation training on the real generator at a small window."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from unripple.files.tensors import to_256, to_uint8
from unripple.networks.consultation import Aligner, pass_distortion
from unripple.networks.mobile_stylegan import MobileStyleGAN, Window, rows
from unripple.networks.w_space import CodeSampler
from unripple.training import consultation, runner
from unripple.training.consultation import Consultation, Recipe, Samples, Trainer
from unripple.weights.lite import convert_generator, load_generator, load_mapping


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    convert_generator(folder)
    return folder


@pytest.fixture(scope="module")
def generator(models: Path) -> MobileStyleGAN:
    return load_generator(models)


@pytest.fixture(scope="module")
def samples(models: Path, generator: MobileStyleGAN) -> Samples:
    """Two photos whose inversions are the faces of somewhat other codes."""
    true = CodeSampler(load_mapping(models), seed=1).draw(2)
    guessed = true + 0.3 * (true.flip(0) - true)
    with torch.no_grad():
        photo, rendered = (to_uint8(to_256(generator(rows(w)))) for w in (true, guessed))
    return Samples(photo, rendered, guessed)


def trainer(generator: MobileStyleGAN, samples: Samples, **changes: Any) -> Trainer:
    recipe = Recipe(**({"steps": 4, "batch": 1, "window": 16, "alone": 0.5} | changes))
    return Trainer(generator, samples, recipe, Fabric(accelerator="cpu", devices=1, precision="32-true"))


def dies_at(of: Trainer, step: int) -> Callable[..., dict[str, torch.Tensor]]:
    """The trainer's losses, killed in a step."""
    losses, calls = of.losses, itertools.count()

    def mortal(chosen: torch.Tensor, random: torch.Generator, *, joint: bool) -> dict[str, torch.Tensor]:
        if next(calls) == step:
            raise KeyboardInterrupt
        return losses(chosen, random, joint=joint)

    return mortal


def weights(of: Trainer) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in of.module.state_dict().items()}


def test_training_lowers_the_loss_on_one_photo(generator: MobileStyleGAN, samples: Samples) -> None:
    one = Samples(samples.photo[:1], samples.rendered[:1], samples.w[:1])
    run = trainer(generator, one, steps=12, alone=1.0, lr=5e-3, perspective=0.0, window=20)
    chosen = torch.tensor([0])
    before = run.losses(chosen, torch.Generator().manual_seed(5), joint=False)
    assert run.run() == 12
    after = run.losses(chosen, torch.Generator().manual_seed(5), joint=False)
    assert float(after["l2"]) < 0.7 * float(before["l2"])
    assert float(after["align"]) < float(before["align"])


def test_resumed_run_equals_an_unbroken_one(generator: MobileStyleGAN, samples: Samples, tmp_path: Path) -> None:
    unbroken = trainer(generator, samples)
    assert unbroken.run() == 4
    file = tmp_path / "stopped.ckpt"
    stopped = trainer(generator, samples)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "SAVE_EVERY", 0.0)  # a checkpoint after every step
        patch.setattr(stopped, "losses", dies_at(stopped, 2))
        stopped.run(file)
    resumed = trainer(generator, samples)
    assert resumed.run(file) == 4
    for key, value in weights(unbroken).items():
        torch.testing.assert_close(weights(resumed)[key], value, msg=key, atol=1e-6, rtol=1e-4)


def test_untrained_consultation_changes_nothing(generator: MobileStyleGAN, samples: Samples) -> None:
    low, high = consultation.quality(Consultation(), generator, samples)
    assert high == pytest.approx(low, abs=0.05)


def test_inner_drops_the_margin_on_cut_sides_alone() -> None:
    picture = torch.zeros(1, 3, 128, 128)
    assert consultation.inner(picture, Window(0, 32, 32)).shape[-2:] == (116, 116)
    assert consultation.inner(picture, Window(16, 16, 32)).shape[-2:] == (104, 104)
    assert consultation.inner(torch.zeros(1, 3, 256, 256), Window(0, 0, 64)).shape[-2:] == (256, 256)


def test_no_guesses_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"unripple\.training\.encoder"):
        consultation.load_samples(tmp_path)


def test_samples_are_read_beside_each_other(samples: Samples, tmp_path: Path) -> None:
    np.savez(tmp_path / "guess~000.npz", rgb=samples.rendered, w=samples.w.numpy())
    np.savez(tmp_path / "photo~000.npz", rgb=samples.photo, w=samples.w.numpy())
    read = consultation.load_samples(tmp_path)
    assert len(read) == 2
    photo, rendered, w = read.take(torch.tensor([1]))
    assert photo.shape == rendered.shape == (1, 3, 256, 256)
    torch.testing.assert_close(w, samples.w[1:])


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
