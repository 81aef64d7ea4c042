"""How the parser is run: as paths spell it, at another side, at fewer scales."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.models import ModelSet
from unripple.settings import inpainters, parsing
from unripple.settings.parameters import ConfigError, check
from unripple.settings.parsing import SCALES, Parsing
from unripple.stages.parse import person_matte


class Brightness:
    """A set of models whose person is what is bright; it remembers what it was asked."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], tuple[float, ...]]] = []

    def parser(self, rgb: Tensor, scales: tuple[float, ...] = SCALES) -> Tensor:
        self.asked.append((tuple(rgb.shape[-2:]), scales))
        return (rgb.mean(dim=1, keepdim=True) + 1) / 2


@pytest.fixture
def models() -> Brightness:
    return Brightness()


def matte(models: Brightness, rgb: Tensor, how: Parsing) -> Tensor:
    found: ModelSet = models  # type: ignore[assignment]
    return person_matte(rgb, found, how)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (Parsing(), "stored"),
        (Parsing(512), "512"),
        (Parsing(256, (1.0, 0.75)), "256-1_0.75"),
        (Parsing(None, (0.5,)), "stored-0.5"),
    ],
)
def test_a_path_spells_side_and_scales(how: Parsing, text: str) -> None:
    assert how.spelled() == text
    assert parsing.read(text) == how


@pytest.mark.parametrize("text", ["", "512-", "large", "512-1,2", "-1"])
def test_what_no_path_spells_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected such as stored"):
        parsing.read(text)


def test_the_order_of_scales_is_graphonomys() -> None:
    settings = check({"models": "published", "parse": {"scales": [1.75, 0.5, 1]}}, "test")
    assert settings.parse.spelled(settings.models) == "stored-1_0.5_1.75"


def test_the_lite_set_has_no_use_for_scales() -> None:
    assert check({"parse": {"scales": [1], "side": 256}}, "test").parse.spelled("lite") == "256"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"models": "published", "parse": {"scales": [1, 2]}}, "expected a list of some of 1, 0.5, 0.75"),
        ({"models": "published", "parse": {"scales": []}}, "expected a list"),
        ({"parse": {"side": 100}}, "expected one of stored, 256, 512"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check(settings, "test")


def test_larger_pictures_alone_are_made_smaller(models: Brightness) -> None:
    large, small = torch.zeros(2, 3, 64, 64), torch.zeros(1, 3, 16, 16)
    assert matte(models, large, Parsing(32)).shape == (2, 1, 64, 64)
    assert matte(models, small, Parsing(32)).shape == (1, 1, 16, 16)
    assert [size for size, _ in models.asked] == [(32, 32), (16, 16)]


def test_the_matte_lies_where_it_lay(models: Brightness) -> None:
    ramp = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
    exact, coarse = matte(models, ramp, Parsing()), matte(models, ramp, Parsing(16))
    assert torch.allclose(coarse[..., 8:-8], exact[..., 8:-8], atol=1e-3)  # linear, so that nothing is lost but the rim


def test_scales_reach_the_parser(models: Brightness) -> None:
    matte(models, torch.zeros(1, 3, 8, 8), Parsing(scales=(0.5,)))
    matte(models, torch.zeros(1, 3, 8, 8), Parsing())
    assert [scales for _, scales in models.asked] == [(0.5,), SCALES]


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (inpainters.Chosen("telea"), "telea"),
        (inpainters.Chosen("patchmatch", ring=24), "patchmatch-24"),
        (inpainters.Chosen("patchmatch", ring=0), "patchmatch-0"),
        (inpainters.Chosen("big-lama"), "big-lama"),
        (inpainters.Chosen("lama-lite", crop=3), "lama-lite-crop3"),
    ],
)
def test_a_path_spells_the_inpainter_with_its_own_settings(chosen: inpainters.Chosen, text: str) -> None:
    assert inpainters.spelled(*chosen) == text
    assert inpainters.read(text) == chosen


def test_settings_that_an_inpainter_has_no_use_for_are_not_spelled() -> None:
    assert inpainters.spelled("patchmatch", 24, 3) == "patchmatch-24"
    assert inpainters.spelled("telea", 24, 3) == "telea"
    assert inpainters.spelled("big-lama", 24, 0) == "big-lama"
