"""The picture that the refinement descends on is the generator's, and so is its gradient."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from unripple.files.tensors import to_256
from unripple.networks import small_picture as module
from unripple.networks.mobile_stylegan import MobileStyleGAN, rows
from unripple.networks.small_picture import small_picture
from unripple.networks.w_space import CodeSampler
from unripple.weights.lite import load_generator, load_mapping


@pytest.fixture(scope="module")
def generator(root: Path) -> MobileStyleGAN:
    return load_generator(root / "models" / "lite")


@pytest.fixture(scope="module")
def codes(root: Path) -> Tensor:
    """Row by row another code, so that a row that reaches the wrong layer shows; the head's makes glaring colours."""
    w = CodeSampler(load_mapping(root / "models" / "lite"), seed=6).draw(36)
    w_plus = w.view(2, 18, 512).lerp(rows(w[:2]), 0.7)
    w_plus[:, -1] *= 3
    return w_plus


def with_gradient(picture: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    direction = torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((picture * direction).sum(), codes)
    return picture.detach(), gradient


@pytest.mark.parametrize("strip", [1 << 15, 1 << 30])
def test_picture_and_gradient_are_the_generators(
    generator: MobileStyleGAN, codes: Tensor, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STRIP", strip)
    codes = codes.clone().requires_grad_()
    wanted, gradient = with_gradient(to_256(generator(codes)), codes)
    found, its_gradient = with_gradient(small_picture(generator, codes), codes)
    assert wanted.abs().max() == 1  # some pixels are clamped, and pass no gradient
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
    # Leaky ReLUs and clamps near their kinks make of another order of sums another gradient of a few pixels.
    assert (its_gradient - gradient).norm() < 0.01 * gradient.norm()


def test_it_needs_no_gradient(generator: MobileStyleGAN, codes: Tensor) -> None:
    with torch.no_grad():
        found = small_picture(generator, codes[:1])
        torch.testing.assert_close(found, to_256(generator(codes[:1])), atol=1e-4, rtol=0)
