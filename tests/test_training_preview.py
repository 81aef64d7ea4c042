"""The preview head: its start, its training, its use for gradients."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from unripple.codes import CodeSampler
from unripple.images import to_256, to_uint8
from unripple.networks.fusion import Fused
from unripple.networks.mobile_stylegan import MobileStyleGAN, rows
from unripple.networks.preview import Preview
from unripple.training import preview
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
def faces(models: Path, generator: MobileStyleGAN) -> preview.Faces:
    codes = CodeSampler(load_mapping(models), seed=2).draw(2)
    with torch.no_grad():
        return preview.Faces(codes, to_uint8(to_256(generator(rows(codes)))))


def test_haar_of_a_constant_is_low_alone_and_keeps_energy() -> None:
    flat = preview.haar(torch.ones(1, 3, 4, 4))
    torch.testing.assert_close(flat[:, :3], torch.full((1, 3, 2, 2), 2.0))
    assert not flat[:, 3:].any()
    noise = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(preview.haar(noise).square().sum(), noise.square().sum())


def test_training_goes_on_from_the_least_squares_start(generator: MobileStyleGAN, faces: preview.Faces) -> None:
    untrained, started, trained = Preview(), Preview(), Preview()
    with torch.no_grad():
        preview.start(started, generator, faces)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    assert preview.train(trained, generator, faces, preview.Recipe(steps=6, batch=2), fabric) == 6
    low, middle, high = (preview.quality(head, generator, faces) for head in (untrained, started, trained))
    assert low + 5 < middle < high
    assert middle > 20


def test_gradient_reaches_what_is_fused(generator: MobileStyleGAN, faces: preview.Faces) -> None:
    head, (w_plus, rgb) = Preview(), faces.take([0])
    scale, shift = torch.ones(1, 512, 64, 64, requires_grad=True), torch.zeros(1, 512, 64, 64, requires_grad=True)
    with torch.no_grad():
        preview.start(head, generator, faces)
        state = generator.to_fusion(w_plus)
    made = head(generator, state, w_plus, Fused(scale, shift))
    assert made.shape == rgb.shape == (1, 3, 256, 256)
    made.square().mean().backward()
    assert scale.grad is not None and scale.grad.abs().max() > 0
    assert shift.grad is not None and shift.grad.abs().max() > 0
