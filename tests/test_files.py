"""The study's own files: written whole, read exactly, and tensors of pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unripple.files.atomic import atomic
from unripple.files.data import write_arrays, write_json
from unripple.files.pictures import Matte, Rgb, read_mask, read_matte, read_rgb, write_mask, write_matte, write_rgb
from unripple.files.tables import write_table
from unripple.files.tensors import resize, to_256, to_tensor, to_uint8


@pytest.fixture
def rgb() -> Rgb:
    """A smooth picture without symmetry, 160 high and 200 wide."""
    y, x = np.mgrid[0:160, 0:200]
    return np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)


def test_own_pictures_go_through_files_unchanged(tmp_path: Path, rgb: Rgb) -> None:
    mask = rgb[..., 0] > 80
    matte = rgb[..., 0].astype(np.float32) / np.float32(255)
    write_rgb(tmp_path / "new/rgb.png", rgb)
    write_mask(tmp_path / "mask.png", mask)
    write_matte(tmp_path / "matte.png", matte)
    assert np.array_equal(read_rgb(tmp_path / "new/rgb.png"), rgb)
    assert np.array_equal(read_mask(tmp_path / "mask.png"), mask)
    assert np.array_equal(read_matte(tmp_path / "matte.png"), matte)


def test_a_file_of_the_wrong_kind_is_named(tmp_path: Path, rgb: Rgb) -> None:
    write_rgb(tmp_path / "rgb.png", rgb)
    write_matte(tmp_path / "matte.png", np.full((9, 9), 0.5))
    (tmp_path / "half.png").write_bytes((tmp_path / "rgb.png").read_bytes()[:90])
    with pytest.raises(ValueError, match=r"rgb\.png.*mode L.*found mode RGB"):
        read_mask(tmp_path / "rgb.png")
    with pytest.raises(ValueError, match=r"matte\.png.*0 and 255.*128"):
        read_mask(tmp_path / "matte.png")
    with pytest.raises(ValueError, match=r"half\.png.*verify --repair"):
        read_rgb(tmp_path / "half.png")


@pytest.mark.parametrize("bad", [np.full((4, 4), 1.5), np.full((4, 4), -0.1), np.full((4, 4), np.nan)])
def test_a_matte_out_of_range_is_not_written(tmp_path: Path, bad: Matte) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        write_matte(tmp_path / "a.png", bad)
    assert list(tmp_path.iterdir()) == []


def test_equal_content_gives_equal_bytes(tmp_path: Path, rgb: Rgb) -> None:
    for name in ("a", "b"):
        write_rgb(tmp_path / f"{name}.png", rgb)
        write_arrays(tmp_path / f"{name}.npz", {"w": rgb} if name == "a" else {"w": rgb.copy()})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic(target) as temporary:
        temporary.write_text("half of the n")
        assert target.read_text() == "old"
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "old"


def test_json_has_sorted_keys_and_no_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": {"ü": None}})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.index('"a"') < text.index('"b"')
    assert json.loads(text) == {"b": 1, "a": {"ü": None}}
    with pytest.raises(ValueError, match=r"b\.json.*None"):
        write_json(tmp_path / "b.json", {"x": math.nan})
    assert not (tmp_path / "b.json").exists()


def test_a_table_keeps_numbers_and_gaps(tmp_path: Path) -> None:
    table = pd.DataFrame({"photo": ["a,b", "c"], "psnr": [12.3456789, math.nan]})
    write_table(tmp_path / "a.csv", table)
    assert (tmp_path / "a.csv").read_text() == 'photo,psnr\n"a,b",12.345679\nc,\n'


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_to_uint8_inverts_to_tensor(picture: Rgb) -> None:
    tensor = to_tensor([picture, picture])
    assert tensor.shape == (2, 3, *picture.shape[:2])
    assert tensor.min() >= -1
    assert tensor.max() <= 1
    assert np.array_equal(to_uint8(tensor)[1], picture)


def test_to_tensor_takes_one_size_only() -> None:
    with pytest.raises(ValueError, match="one size"):
        to_tensor([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)])


def test_to_256_samples_two_pixels_as_hfgi_does() -> None:
    # Reduced by four without antialiasing, a pixel is the mean of the middle two of four; range is clamped first.
    row = torch.arange(1024.0).remainder(4).eq(1).float() * 9 - 3
    small = to_256(row.expand(1, 3, 1024, 1024))
    assert small.shape == (1, 3, 256, 256)
    assert torch.allclose(small, torch.zeros(1))  # (clamp(6) + clamp(-3)) / 2


def test_resize_looks_at_every_pixel() -> None:
    stripes = torch.arange(512.0).remainder(2).expand(1, 1, 512, 512)
    assert torch.allclose(resize(stripes, 64)[..., 4:-4], torch.tensor(0.5), atol=0.02)
    assert resize(stripes, 512) is stripes
