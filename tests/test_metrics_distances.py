"""Distances to the truth: PSNR, SSIM, ST-LPIPS and plain differences in closed-form cases."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from unripple.files.pictures import Mask, Rgb
from unripple.metrics.arrays import Field
from unripple.metrics.difference import mean_difference
from unripple.metrics.psnr import CEILING, psnr
from unripple.metrics.ssim import ssim_map
from unripple.metrics.st_lpips import prepare, st_lpips_map
from unripple.networks.st_alexnet import StLpips, blur_pool
from unripple.weights.st_lpips import load_st_lpips


def noise(seed: int, size: int = 96) -> Rgb:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


def everywhere(rgb: Rgb) -> Mask:
    return np.ones(rgb.shape[:2], dtype=bool)


@pytest.fixture(scope="module")
def network() -> StLpips:
    torch.set_num_threads(1)
    return load_st_lpips()


def distance_map(a: Rgb, b: Rgb, network: StLpips) -> Field:
    return st_lpips_map(network.features(prepare(a)), network.features(prepare(b)), network)


def test_psnr_of_a_constant_offset_is_its_definition() -> None:
    a = np.full((16, 16, 3), 100, np.uint8)
    b = np.full((16, 16, 3), 110, np.uint8)
    assert psnr(a, b, everywhere(a)) == pytest.approx(20 * np.log10(255 / 10))


def test_psnr_sees_only_the_mask() -> None:
    a, mask = noise(0), np.zeros((96, 96), bool)
    mask[:10, :10] = True
    b = a.copy()
    b[50:, 50:] = 255 - b[50:, 50:]
    assert psnr(a, b, mask) == CEILING
    assert psnr(a, b, ~mask) < 20


def test_psnr_halves_its_error_when_half_of_the_region_is_equal() -> None:
    a = np.zeros((8, 8, 3), np.uint8)
    b = a.copy()
    b[:4] = 20
    whole, half = everywhere(a), np.zeros((8, 8), bool)
    half[:4] = True
    assert psnr(a, b, whole) - psnr(a, b, half) == pytest.approx(10 * np.log10(2))


def test_mean_difference_is_in_grey_levels_and_symmetric() -> None:
    a = np.full((8, 8, 3), 250, np.uint8)
    b = np.full((8, 8, 3), 3, np.uint8)
    assert mean_difference(a, b, everywhere(a)) == 247
    assert mean_difference(b, a, everywhere(a)) == 247
    assert mean_difference(a, a, everywhere(a)) == 0


@pytest.mark.parametrize("metric", [psnr, mean_difference])
def test_an_empty_region_has_no_value(metric: object) -> None:
    a = noise(1)
    assert callable(metric)
    assert np.isnan(metric(a, a, np.zeros((96, 96), bool)))


@pytest.mark.parametrize("metric", [psnr, mean_difference])
def test_sizes_and_types_are_checked(metric: object) -> None:
    a = noise(1)
    assert callable(metric)
    with pytest.raises(ValueError, match="one size"):
        metric(a, a[:-1], everywhere(a))
    with pytest.raises(ValueError, match="uint8"):
        metric(a.astype(np.float32), a, everywhere(a))
    with pytest.raises(ValueError, match="mask: expected bool"):
        metric(a, a, everywhere(a)[:-1])


def test_ssim_of_a_copy_is_one_and_of_flat_pictures_the_luminance_term() -> None:
    a = noise(2)
    assert ssim_map(a, a) == pytest.approx(1, abs=1e-5)
    dark, light = np.full_like(a, 60), np.full_like(a, 120)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 60 * 120 + c1) / (60**2 + 120**2 + c1)
    assert ssim_map(dark, light) == pytest.approx(expected, abs=1e-4)


def test_ssim_is_local() -> None:
    a = noise(3)
    b = a.copy()
    b[:, 48:] = 255 - b[:, 48:]
    similarity = ssim_map(a, b)
    assert similarity[:, :40].min() > 0.999
    assert similarity[:, 56:].mean() < 0


def test_ssim_map_averages_to_the_published_number() -> None:
    a, b = np.repeat(noise(4)[..., :1], 3, axis=2), np.repeat(noise(5)[..., :1], 3, axis=2)
    mixed = (0.7 * a + 0.3 * b).astype(np.uint8)
    whole = structural_similarity(
        a[..., 0], mixed[..., 0], data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    # scikit-image leaves a border of the window's radius out of its mean.
    assert ssim_map(a, mixed)[5:-5, 5:-5].mean() == pytest.approx(whole, abs=1e-4)


def test_st_lpips_of_a_copy_is_zero_and_grows_with_damage(network: StLpips) -> None:
    a = noise(6, 256)
    slightly = np.clip(a.astype(int) + 12, 0, 255).astype(np.uint8)
    assert distance_map(a, a, network).max() == 0
    assert 0 < distance_map(a, slightly, network).mean() < distance_map(a, noise(7, 256), network).mean()


def test_st_lpips_map_is_local(network: StLpips) -> None:
    a = np.full((256, 256, 3), 128, np.uint8)
    b = a.copy()
    b[96:160, 8:40] = noise(8, 64)[:, :32]
    distance = distance_map(a, b, network)
    assert distance[96:160, 8:40].mean() > 20 * distance[:, 192:].mean()


def test_st_lpips_equals_the_package(network: StLpips, monkeypatch: pytest.MonkeyPatch) -> None:
    # The package imports two modules that it neither declares nor needs for the distance.
    for name, attribute in (("torchsummary", "summary"), ("IPython", "embed")):
        module = ModuleType(name)
        setattr(module, attribute, None)
        monkeypatch.setitem(sys.modules, name, module)
    from stlpips_pytorch import stlpips

    theirs = stlpips.LPIPS(net="alex", variant="shift_tolerant", spatial=True, verbose=False)
    a, b = prepare(noise(9, 256)), prepare(np.roll(noise(9, 256), 5, axis=1))
    with torch.inference_mode():
        assert torch.allclose(network(a, b), theirs(a, b), atol=1e-5)


def test_blur_pool_keeps_a_constant_and_halves_the_size() -> None:
    pooled = blur_pool(torch.full((2, 3, 10, 12), 0.25))
    assert pooled.shape == (2, 3, 6, 7)
    assert torch.allclose(pooled, torch.tensor(0.25))
