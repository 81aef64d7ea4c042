"""The ripple finder: its contract on any weights, and its place in the sets of models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from unripple.models import lite, published
from unripple.networks.parser import Parser
from unripple.networks.ripple_finder import GAIN, RippleFinder, evidence
from unripple.stages.find_ripples import found_ripples
from unripple.training.export import export
from unripple.weights.lite import MissingModel, load_ripple_finder
from unripple.weights.own import own_file


@pytest.fixture(scope="module")
def finder() -> RippleFinder:
    torch.manual_seed(0)
    return RippleFinder().eval().requires_grad_(False)


def pictures(count: int, *size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    one, two, three, four = torch.empty(4, count, 3, *size).uniform_(-1, 1, generator=random)
    return one, two, three, four


def test_it_sees_two_pictures_and_two_differences() -> None:
    photo, inversion, edit, low_rate_edit = pictures(2, 8, 8)
    seen = evidence(photo, inversion, edit, low_rate_edit)
    assert torch.equal(seen[:, :3], photo) and torch.equal(seen[:, 3:6], edit)
    torch.testing.assert_close(seen[:, 6:9], GAIN * (photo - inversion))
    torch.testing.assert_close(seen[:, 9:], GAIN * (edit - low_rate_edit))


@pytest.mark.parametrize("size", [(40, 40), (201, 333), (512, 512)])
def test_any_size_comes_back_at_its_size_between_zero_and_one(finder: RippleFinder, size: tuple[int, int]) -> None:
    found = finder(*pictures(1, *size))
    assert found.shape == (1, 1, *size)
    assert 0 <= float(found.min()) < float(found.max()) <= 1


def test_order_of_a_batch_does_not_matter(finder: RippleFinder) -> None:
    batch = pictures(3, 64, 64)
    torch.testing.assert_close(finder(*(one.flip(0) for one in batch)).flip(0), finder(*batch), rtol=0, atol=1e-5)


def test_every_picture_counts(finder: RippleFinder) -> None:
    batch = list(pictures(1, 64, 64))
    before = finder(*batch)
    for number in range(4):
        changed = [one.flip(-1) if n == number else one for n, one in enumerate(batch)]
        assert float((finder(*changed) - before).abs().max()) > 1e-4, number


def test_another_layout_is_refused_by_name(finder: RippleFinder) -> None:
    photo, inversion, edit, low_rate_edit = pictures(1, 64, 64)
    with pytest.raises(ValueError, match=r"edit: expected \(B, 3, H, W\) like the photo, found \(1, 3, 64, 32\)"):
        finder(photo, inversion, edit[..., :32], low_rate_edit)
    with pytest.raises(ValueError, match=r"photo: expected .* found \(1, 64, 64, 3\)"):
        finder(photo.permute(0, 2, 3, 1), inversion, edit, low_rate_edit)


def test_it_is_the_parsers_network_with_more_to_look_at() -> None:
    parser, finder = Parser().state_dict(), RippleFinder().state_dict()
    assert parser.keys() == finder.keys()
    assert [key for key in parser if parser[key].shape != finder[key].shape] == ["segmenter.down.0.0.0.weight"]


def test_the_lite_set_loads_it_and_says_what_is_missing(finder: RippleFinder, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"ripple_finder\.safetensors: model file not found; `make weights`"):
        load_ripple_finder(tmp_path)
    export(finder, own_file(tmp_path, "ripple_finder"), {})
    batch = pictures(1, 64, 64)
    found = found_ripples(*batch, lite.load(tmp_path, "cpu"))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, finder(*batch), rtol=0, atol=0.01)  # its weights are float16


def test_the_published_set_has_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected models = lite"):
        found_ripples(*pictures(1, 64, 64), published.load(tmp_path, "cpu"))
