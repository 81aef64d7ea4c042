"""The embedded generator against the package's own runtime, and the properties that the pipeline leans on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest
import torch

from unripple.networks.fusion import Fused
from unripple.networks.mobile_stylegan import (
    MARGIN,
    Mapping,
    MobileStyleGAN,
    Window,
    _HaarSum,
    inverse_haar,
    rows,
)
from unripple.networks.w_space import CodeSampler, mean_code
from unripple.weights import openvino_ir
from unripple.weights.lite import MissingModel, convert_generator, load_generator, load_mapping, package_data


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    convert_generator(folder)
    return folder


@pytest.fixture(scope="module")
def mapping(converted: Path) -> Mapping:
    return load_mapping(converted)


@pytest.fixture(scope="module")
def generator(converted: Path) -> MobileStyleGAN:
    return load_generator(converted)


@pytest.fixture(scope="module")
def w(mapping: Mapping) -> torch.Tensor:
    return CodeSampler(mapping, seed=3).draw(8)


def runtime(name: str) -> openvino.CompiledModel:
    """The package's own network; float32 must be asked for, or some CPUs compute in bfloat16."""
    return openvino.Core().compile_model(str(package_data() / name), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def test_mapping_equals_the_package(mapping: Mapping) -> None:
    z = torch.randn(8, 512, generator=torch.Generator().manual_seed(1))
    theirs = runtime("MappingNetwork.xml")
    expected = np.concatenate([theirs(code[None].numpy())[0] for code in z])
    np.testing.assert_allclose(mapping(z).numpy(), expected, atol=1e-4)


def test_synthesis_equals_the_package_on_eight_codes(generator: MobileStyleGAN, w: torch.Tensor) -> None:
    theirs = runtime("SynthesisNetwork.xml")
    for code in w.split(1):
        expected = theirs(code.numpy())[0]
        assert expected.shape == (1, 3, 1024, 1024)
        with torch.no_grad():
            np.testing.assert_allclose(generator(rows(code)).numpy(), expected, atol=1e-3)


def test_picture_does_not_depend_on_the_batch(generator: MobileStyleGAN, w: torch.Tensor) -> None:
    with torch.no_grad():
        together = generator(rows(w[:2]))
        apart = torch.cat([generator(rows(code)) for code in w[:2].split(1)])
    torch.testing.assert_close(together, apart, atol=1e-4, rtol=0)


def test_nothing_fused_is_the_plain_picture(generator: MobileStyleGAN, w: torch.Tensor) -> None:
    zero = torch.zeros(1, 512, 64, 64)
    w_plus = rows(w[:1])
    with torch.no_grad():
        torch.testing.assert_close(generator(w_plus, Fused(zero, zero)), generator(w_plus))


def test_rows_of_later_layers_leave_the_fused_features_alone(generator: MobileStyleGAN, w: torch.Tensor) -> None:
    w_plus = rows(w[:1]).clone()
    with torch.no_grad():
        before = generator.to_fusion(w_plus).features
        w_plus[:, 8:] += 1  # rows 0 to 7 are those of the layers up to the first convolution at 64x64
        torch.testing.assert_close(generator.to_fusion(w_plus).features, before)
        w_plus[:, 7] += 1
        assert not torch.allclose(generator.to_fusion(w_plus).features, before)


@pytest.mark.parametrize("window", [Window(0, 10, 32), Window(20, 32, 32)])
def test_window_is_that_part_of_the_picture(generator: MobileStyleGAN, w: torch.Tensor, window: Window) -> None:
    w_plus = rows(w[:1])
    with torch.no_grad():
        state = generator.to_fusion(w_plus)
        whole = window.cut(generator.from_fusion(state, w_plus))
        part = generator.from_fusion(state, w_plus, None, window)
    inner = slice(16 * MARGIN, -16 * MARGIN)
    # what little leaks farther in than the margin is far below one level of 255
    assert (part - whole)[..., inner, inner].abs().mean() < 1e-3
    assert (part - whole)[..., inner, inner].abs().max() < 0.03


def test_inverse_haar_of_a_low_band_is_flat_and_doubles_it() -> None:
    bands = torch.zeros(1, 8, 2, 2)
    bands[:, :2] = torch.tensor([1.0, 3.0]).reshape(1, 2, 1, 1)
    out = inverse_haar(bands)
    assert out.shape == (1, 2, 4, 4)
    assert (out[:, 0] == 1).all() and (out[:, 1] == 3).all()


def test_inverse_haar_places_the_details() -> None:
    for band, expected in ((1, [[1, 1], [-1, -1]]), (2, [[1, -1], [1, -1]]), (3, [[1, -1], [-1, 1]])):
        bands = torch.zeros(1, 4, 1, 1)
        bands[:, band] = 1
        assert inverse_haar(bands)[0, 0].tolist() == expected


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_inverse_haar_has_the_gradient_of_its_forward_pass(layout: torch.memory_format) -> None:
    bands = torch.randn(2, 8, 3, 4, dtype=torch.double).contiguous(memory_format=layout).requires_grad_()
    assert torch.autograd.gradcheck(_HaarSum.apply, (bands,))


def test_truncation_pulls_to_the_mean(mapping: Mapping) -> None:
    far, near = (CodeSampler(mapping, seed=5, truncation=(psi, psi)).draw(4) for psi in (1.0, 0.25))
    torch.testing.assert_close(near, torch.lerp(mean_code(mapping), far, 0.25), atol=1e-5, rtol=1e-4)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"generator\.safetensors"):
        load_generator(tmp_path)


def test_wrong_weights_are_refused_by_name(converted: Path, tmp_path: Path) -> None:
    (tmp_path / "generator.safetensors").write_bytes((converted / "mapping.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"generator\.safetensors"):
        load_generator(tmp_path)


def test_constant_beyond_the_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.xml").write_text(
        '<net><layers><layer id="0" type="Const" name="c"><data element_type="f32" shape="4" offset="8" size="16"/>'
        "</layer></layers><edges/></net>"
    )
    (tmp_path / "net.bin").write_bytes(bytes(16))
    with pytest.raises(ValueError, match=r"net\.bin"):
        openvino_ir.read(tmp_path / "net.xml")
