"""The Inception of the Fréchet inception distance against the package that published it, on weights of chance."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_fid import inception as theirs

from unripple.metrics.measure import MetricNetworks
from unripple.settings.columns import INCEPTION, ST_ALEXNET
from unripple.weights import inception
from unripple.weights.inception import NAME, SIZE, Inception, load_inception
from unripple.weights.published.manifest import Weights, WeightsError, checksum, named


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the published layout."""
    torch.manual_seed(0)
    network = Inception().network
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.get_buffer("running_var"), 0.12, 0.22)  # so that a signal reaches the end
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path


def as_published(path: Path) -> Weights:
    """A manifest's line that accepts this file."""
    return replace(named(NAME), sha256=(checksum(path),))


def test_features_are_those_of_pytorch_fid(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: torch.load(file, weights_only=True))
    reference = theirs.InceptionV3().eval()
    rgb = torch.rand(2, 3, 128, 96)
    with torch.inference_mode():
        expected, found = reference(rgb)[0][:, :, 0, 0], load_inception(file, as_published(file))(2 * rgb - 1)
    assert found.shape == (2, SIZE)
    assert 1e-3 < expected.std() < 1e3
    assert (found - expected).abs().max() < 1e-4 * expected.std()


def test_where_its_file_is_given_it_makes_the_features(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = as_published(file)
    monkeypatch.setattr(inception, "named", lambda _: own)
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    networks = MetricNetworks.load(torch.device("cpu"), file)
    (layers,) = networks.features([rgb])
    feature = networks.feature(rgb, layers)
    assert networks.extractor == INCEPTION and feature.shape == (SIZE,)
    with torch.inference_mode():
        expected = load_inception(file)(torch.from_numpy(rgb / 127.5 - 1).permute(2, 0, 1)[None].float())[0]
    assert np.abs(feature - expected.numpy()).max() < 1e-4 * expected.std()
    assert MetricNetworks.load(torch.device("cpu")).extractor == ST_ALEXNET


def test_the_workflow_looks_where_the_manifest_says(root: Path) -> None:
    place = named(NAME).path(Path("models/published"))
    assert str(place) in (root / "workflow/rules/common.smk").read_text()


class Malicious:
    """Makes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


def test_a_file_that_is_not_the_published_one_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"inception\.pth: expected sha256 6726825d, found .* weights fetch inception"
    ):
        load_inception(file)
    with pytest.raises(WeightsError, match=r"none\.pth: missing; run `unripple weights fetch inception`"):
        load_inception(tmp_path / "none.pth")


@pytest.mark.parametrize("content", ["others", "malicious", "pickle", "page", "tensor"])
def test_another_file_is_one_message_even_if_its_checksum_is_taken(content: str, tmp_path: Path) -> None:
    path, marker = tmp_path / "other.pth", tmp_path / "marker"
    if content == "page":
        path.write_bytes(b"<html>quota</html>")
    elif content == "pickle":
        path.write_bytes(pickle.dumps(Malicious(marker), protocol=2))
    else:
        held = {"others": {"weight": torch.zeros(3)}, "malicious": {"a": Malicious(marker)}, "tensor": torch.zeros(3)}
        torch.save(held[content], path)
    with pytest.raises(WeightsError, match=r"other\.pth: (expected|refused)"):
        load_inception(path, as_published(path))
    assert not marker.exists()
