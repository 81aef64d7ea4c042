"""What an edit moves: named attributes, and directions from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from unripple.models.directions import direction_of
from unripple.settings import attributes
from unripple.settings.study import Edit
from unripple.weights.directions import read_direction
from unripple.weights.lite import load_direction
from unripple.weights.published.manifest import WeightsError

LITE = Path("models/lite")


class Named:
    """A set of models with one direction."""

    device = torch.device("cpu")

    def direction(self, attribute: str) -> Tensor:
        return torch.full((512,), float(len(attribute)))


@pytest.mark.parametrize("attribute", attributes.ATTRIBUTES)
def test_every_named_attribute_ships_as_a_unit_vector(attribute: str) -> None:
    direction = load_direction(LITE, attribute)
    assert direction.shape == (512,)
    assert float(direction.norm()) == pytest.approx(1, abs=1e-5)


def test_a_name_is_spelled_as_it_is_and_a_file_by_name_and_content(tmp_path: Path) -> None:
    assert Edit(attribute="smile").spelled_attribute() == "smile"
    file = tmp_path / "my_hair (2).npy"
    np.save(file, np.ones(512))
    first = Edit(attribute=str(file)).spelled_attribute()
    assert first.startswith("my-hair-2-") and len(first) == len("my-hair-2-") + 8
    np.save(file, np.zeros(512))
    assert Edit(attribute=str(file)).spelled_attribute() != first


def test_what_is_neither_a_name_nor_a_direction_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pose, smile, age or the file of a direction"):
        Edit(attribute="hair")


@pytest.mark.parametrize("shape", [(512,), (18, 512)])
def test_a_direction_is_read_from_each_kind_of_file(tmp_path: Path, shape: tuple[int, ...]) -> None:
    wanted = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    np.save(tmp_path / "a.npy", wanted.double().numpy())
    torch.save(wanted[None], tmp_path / "a.pt")  # as InterfaceGAN's are
    save_file({"anything": wanted}, tmp_path / "a.safetensors")
    for ending in attributes.ENDINGS:
        assert torch.equal(read_direction(tmp_path / f"a{ending}"), wanted), ending


def test_a_file_that_holds_something_else_is_refused_by_name(tmp_path: Path) -> None:
    np.save(tmp_path / "short.npy", np.ones(500))
    np.save(tmp_path / "nan.npy", np.full(512, np.nan))
    (tmp_path / "text.npy").write_text("no array")
    torch.save({"pose": torch.ones(512)}, tmp_path / "dict.pt")
    save_file({"a": torch.ones(512), "b": torch.ones(512)}, tmp_path / "two.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x00" * 4)
    for name, message in {
        "short.npy": r"\(512,\) or \(18, 512\).*found \(500,\)",
        "nan.npy": "finite",
        "text.npy": "not an array",
        "dict.pt": "expected a tensor, found",
        "two.safetensors": "expected one tensor, found 2: a, b",
        "cut.safetensors": "not a safetensors file",
    }.items():
        with pytest.raises(WeightsError, match=message) as refused:
            read_direction(tmp_path / name)
        assert str(tmp_path / name) in str(refused.value)
    with pytest.raises(FileNotFoundError):
        read_direction(tmp_path / "none.npy")


def test_a_direction_is_the_set_s_own_or_the_file_s(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.arange(512))
    assert torch.equal(direction_of(Named(), "smile"), torch.full((512,), 5.0))  # type: ignore[arg-type]
    assert torch.equal(direction_of(Named(), str(tmp_path / "mine.npy")), torch.arange(512.0))  # type: ignore[arg-type]
