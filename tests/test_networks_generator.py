"""StyleGAN2 and HFGI's fusion: batches, what is shared, and what is refused. Numbers are in test_parity.py."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.models.devices import computes_in_bfloat16
from unripple.networks.consultation import Aligner, ConsultationEncoder
from unripple.networks.fusion import Fused
from unripple.networks.hfgi import HFGI
from unripple.networks.layout import channels_last
from unripple.networks.stylegan2 import StyleGAN2, truncate
from unripple.parity.fill import fill_net, make_input


def tensor(name: str, *shape: int, std: float = 1.0) -> Tensor:
    return torch.from_numpy(make_input(name, shape, std=std))


@pytest.fixture(scope="module")
def generator() -> StyleGAN2:
    net = StyleGAN2(64).eval().requires_grad_(False)
    fill_net("hfgi_generator", net.state_dict())
    return net


@pytest.fixture(scope="module")
def w_plus(generator: StyleGAN2) -> Tensor:
    return tensor("codes", 2, generator.rows, 512, std=0.7)


def test_a_batch_is_its_pictures_one_by_one(generator: StyleGAN2, w_plus: Tensor) -> None:
    # One picture scales the weights, several scale the features: two ways to the same numbers.
    one_by_one = torch.cat([generator(w_plus[:1]), generator(w_plus[1:])])
    torch.testing.assert_close(generator(w_plus), one_by_one, rtol=1e-4, atol=2e-5)


def test_what_lies_below_the_fusion_serves_several_fusions(generator: StyleGAN2, w_plus: Tensor) -> None:
    fused = Fused(tensor("scale", 2, 512, 64, 64, std=0.5), tensor("shift", 2, 512, 64, 64, std=0.5))
    state = generator.to_fusion(w_plus)
    plain, edited = generator.from_fusion(state, w_plus), generator.from_fusion(state, w_plus, fused)
    assert torch.equal(plain, generator(w_plus))
    assert torch.equal(edited, generator(w_plus, fused))
    assert float((plain - edited).abs().mean()) > 0.1


def test_fusing_nothing_changes_nothing(generator: StyleGAN2, w_plus: Tensor) -> None:
    zeros = torch.zeros(2, 512, 64, 64)
    assert torch.equal(generator(w_plus, Fused(zeros, zeros)), generator(w_plus))


def test_channels_last_changes_the_layout_alone(generator: StyleGAN2, w_plus: Tensor) -> None:
    other = StyleGAN2(64).eval().requires_grad_(False)
    other.load_state_dict(generator.state_dict())
    assert channels_last(other) is other
    assert other.to_fusion(w_plus).features.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(other(w_plus), generator(w_plus), rtol=1e-4, atol=2e-5)
    assert all(torch.equal(value, generator.state_dict()[key]) for key, value in other.state_dict().items())


@pytest.mark.skipif(not computes_in_bfloat16(torch.device("cpu")), reason="takes minutes on this CPU")
def test_bfloat16_is_near(generator: StyleGAN2, w_plus: Tensor) -> None:
    half = StyleGAN2(64).eval().requires_grad_(False)
    half.load_state_dict(generator.state_dict())
    exact = generator(w_plus)
    near = half.bfloat16()(w_plus.bfloat16())
    assert near.dtype == torch.bfloat16
    assert float((near.float() - exact).std() / exact.std()) < 0.05


def test_gradients_reach_the_code_and_the_fusion(generator: StyleGAN2, w_plus: Tensor) -> None:
    code = w_plus[:1].clone().requires_grad_()
    scale = torch.zeros(1, 512, 64, 64, requires_grad=True)
    generator(code, Fused(scale, scale)).square().mean().backward()
    assert code.grad is not None
    assert scale.grad is not None
    assert float(code.grad.abs().min(dim=-1).values.max()) > 0
    assert float(scale.grad.abs().max()) > 0


def test_truncation_ends_at_the_mean() -> None:
    w, mean = tensor("w", 3, 512), tensor("mean", 1, 512)
    assert torch.equal(truncate(w, mean, 0.0), mean.expand(3, -1))
    torch.testing.assert_close(truncate(w, mean, 1.0), w)


@pytest.mark.parametrize("size", [32, 100, 2048])
def test_a_size_that_does_not_exist_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"found {size}"):
        StyleGAN2(size)


def test_codes_of_another_generator_are_refused(generator: StyleGAN2) -> None:
    with pytest.raises(ValueError, match=r"expected w_plus \(B, 10, 512\), found \(1, 18, 512\)"):
        generator(torch.zeros(1, 18, 512))


def test_an_untrained_consultation_leaves_the_generator_alone() -> None:
    fused = ConsultationEncoder(width=16)(tensor("map", 1, 3, 256, 256))
    assert fused.scale.shape == fused.shift.shape == (1, 512, 64, 64)
    assert not fused.scale.any()
    assert not fused.shift.any()


def test_aligner_looks_at_the_map_and_at_the_edit() -> None:
    net = Aligner().eval().requires_grad_(False)
    fill_net("hfgi_grid_align", net.state_dict())
    one, other = tensor("one", 1, 3, 64, 64, std=0.3), tensor("other", 1, 3, 64, 64, std=0.3)
    aligned = net(one, other)
    assert aligned.shape == one.shape
    assert not torch.allclose(aligned, net(other, other), atol=1e-3)
    assert not torch.allclose(aligned, net(one, one), atol=1e-3)


def test_hfgi_at_degree_zero_is_its_inversion() -> None:
    net = HFGI(64).eval().requires_grad_(False)
    net.latent_avg.fill_(0.1)
    inverted = net.invert(tensor("photo", 1, 3, 256, 256, std=0.3))
    edited = net.edit(inverted.w_plus, inverted.distortion, tensor("direction", 512), 0.0)
    assert torch.equal(edited.w_plus, inverted.w_plus)
    assert torch.equal(edited.initial, inverted.inversion)
    turned = net.edit(inverted.w_plus, inverted.distortion, torch.ones(net.decoder.rows, 512), 2.0)
    torch.testing.assert_close(turned.w_plus, inverted.w_plus + 2)
