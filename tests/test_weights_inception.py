"""The Inception of the Fréchet inception distance against the package that published it, on weights of chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_fid import inception as theirs

from unripple.metrics.columns import INCEPTION, ST_ALEXNET
from unripple.metrics.measure import Yardsticks
from unripple.weights.inception import NAME, SIZE, Inception, load_inception
from unripple.weights.published.manifest import named


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


def test_features_are_those_of_pytorch_fid(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: torch.load(file, weights_only=True))
    reference = theirs.InceptionV3().eval()
    rgb = torch.rand(2, 3, 128, 96)
    with torch.inference_mode():
        expected, found = reference(rgb)[0][:, :, 0, 0], load_inception(file)(2 * rgb - 1)
    assert found.shape == (2, SIZE)
    assert 1e-3 < expected.std() < 1e3
    assert (found - expected).abs().max() < 1e-4 * expected.std()


def test_where_its_file_is_given_it_makes_the_features(file: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    yardsticks = Yardsticks.load(torch.device("cpu"), file)
    (layers,) = yardsticks.features([rgb])
    feature = yardsticks.feature(rgb, layers)
    assert yardsticks.extractor == INCEPTION and feature.shape == (SIZE,)
    with torch.inference_mode():
        expected = load_inception(file)(torch.from_numpy(rgb / 127.5 - 1).permute(2, 0, 1)[None].float())[0]
    assert np.abs(feature - expected.numpy()).max() < 1e-4 * expected.std()
    assert Yardsticks.load(torch.device("cpu")).extractor == ST_ALEXNET


def test_the_workflow_looks_where_the_manifest_says(root: Path) -> None:
    place = named(NAME).path(Path("models/published"))
    assert str(place) in (root / "workflow/rules/common.smk").read_text()


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other.pth: expected the weights of pytorch-fid's Inception"):
        load_inception(tmp_path / "other.pth")
