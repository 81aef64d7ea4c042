"""The person parser: its contract on any weights, and what the shipped weights see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor
from torch.nn import functional

from unripple.known_plate.plates import plate
from unripple.networks.parser import Parser
from unripple.settings.plates import STUDY_PLATES
from unripple.training.augment import signed
from unripple.training.parser import iou
from unripple.weights.lite import load_into

SHIPPED = Path(__file__).parents[1] / "models" / "lite" / "parser.safetensors"


@pytest.fixture(scope="module")
def parser() -> Parser:
    return load_into(Parser(), SHIPPED)


@pytest.fixture(scope="module")
def astronaut() -> Tensor:
    """The free portrait, cropped about as the align stage does it, float (1, 3, 260, 260)."""
    return signed(torch.from_numpy(data.astronaut()[10:270, 90:350].copy())[None])


def test_matte_lies_between_zero_and_one(parser: Parser) -> None:
    matte = parser(torch.empty(2, 3, 96, 96).uniform_(-1, 1, generator=torch.Generator().manual_seed(0)))
    assert matte.shape == (2, 1, 96, 96)
    assert float(matte.min()) >= 0
    assert float(matte.max()) <= 1


@pytest.mark.parametrize("size", [(40, 40), (201, 333), (333, 201), (512, 512)])
def test_any_size_comes_back_at_its_size(parser: Parser, size: tuple[int, int]) -> None:
    assert parser(torch.zeros(1, 3, *size)).shape == (1, 1, *size)


def test_order_of_a_batch_does_not_matter(parser: Parser, astronaut: Tensor) -> None:
    batch = torch.cat((astronaut, astronaut.flip(-1), astronaut * 0.5))
    torch.testing.assert_close(parser(batch.flip(0)).flip(0), parser(batch), rtol=0, atol=1e-4)
    torch.testing.assert_close(parser(batch[1:2]), parser(batch)[1:2], rtol=0, atol=1e-4)


def test_wrong_layout_is_refused(parser: Parser) -> None:
    with pytest.raises(ValueError, match=r"expected \(B, 3, H, W\), found \(1, 64, 64, 3\)"):
        parser(torch.zeros(1, 64, 64, 3))


def test_a_portrait_is_told_from_its_background(parser: Parser, astronaut: Tensor) -> None:
    matte = parser(astronaut)[0, 0]
    assert float(matte[80:160, 95:165].mean()) > 0.95  # the face
    assert float(matte[10:110, 228:256].mean()) < 0.05  # the wall
    larger = parser(functional.interpolate(astronaut, scale_factor=2, mode="bilinear"))
    assert float(((larger[0, 0, ::2, ::2] > 0.5) == (matte > 0.5)).float().mean()) > 0.98


def test_a_mirrored_portrait_has_the_mirrored_matte(parser: Parser, astronaut: Tensor) -> None:
    matte, mirrored = parser(astronaut) > 0.5, parser(astronaut.flip(-1)).flip(-1) > 0.5
    assert float((matte == mirrored).float().mean()) > 0.97


def test_the_plate_does_not_matter(parser: Parser, astronaut: Tensor) -> None:
    matte = parser(astronaut)
    rng = np.random.default_rng(5)
    plates = signed(torch.from_numpy(np.stack([plate(name, rng, 260) for name in STUDY_PLATES])))
    again = parser(torch.lerp(plates, astronaut.expand_as(plates), matte))
    assert float(iou(again, matte.expand_as(again)).mean()) > 0.9
