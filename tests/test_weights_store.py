"""Weights are written whole, and for all who may read the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from unripple.files.tensors import write_tensors


def test_weights_can_be_read_by_whoever_reads_other_files_of_the_folder(tmp_path: Path) -> None:
    other, file = tmp_path / "other", tmp_path / "new/weights.safetensors"
    other.touch()
    write_tensors(file, {"a": torch.arange(3)}, {"note": "toy"})
    assert file.stat().st_mode == other.stat().st_mode
    with safe_open(file, "pt") as stored:
        assert stored.metadata() == {"note": "toy"}
        assert stored.get_tensor("a").tolist() == [0, 1, 2]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    write_tensors(file, {"a": torch.ones(1)}, {})
    shared = torch.ones(2)
    with pytest.raises(RuntimeError, match="share memory"):
        write_tensors(file, {"a": shared, "b": shared}, {})
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    with safe_open(file, "pt") as stored:
        assert list(stored.keys()) == ["a"]
