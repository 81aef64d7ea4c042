"""IR-SE50 and the networks on it: what is shared, and what is refused. Numbers are in test_parity.py."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.models.devices import computes_in_bfloat16
from unripple.networks.arcface import ArcFace, crop_face
from unripple.networks.e4e import E4E
from unripple.networks.irse import BottleneckIR
from unripple.networks.psp import PSP
from unripple.parity.fill import fill_net, make_input

ROWS = 8  # the fewest that read all three levels


def picture(name: str, size: int = 256, batch: int = 1) -> Tensor:
    return torch.from_numpy(make_input(name, (batch, 3, size, size), std=0.4))


@pytest.fixture(scope="module")
def e4e() -> E4E:
    net = E4E(ROWS).eval().requires_grad_(False)
    fill_net("hfgi_encoder", net.state_dict())
    return net


def test_e4e_and_psp_differ_by_the_first_row_alone(e4e: E4E) -> None:
    psp = PSP(ROWS).eval().requires_grad_(False)
    psp.load_state_dict(e4e.state_dict())
    of_e4e, of_psp = e4e(picture("face")), psp(picture("face"))
    assert of_e4e.shape == (1, ROWS, 512)
    assert torch.equal(of_e4e[:, 0], of_psp[:, 0])
    assert torch.equal(of_e4e[:, 1:], of_psp[:, 1:] + of_psp[:, :1])


def test_the_order_of_a_batch_does_not_matter(e4e: E4E) -> None:
    batch = picture("faces", batch=2)
    torch.testing.assert_close(e4e(batch).flip(0), e4e(batch.flip(0)), rtol=1e-4, atol=1e-5)


def test_channels_last_changes_nothing(e4e: E4E) -> None:
    face = picture("face")
    torch.testing.assert_close(e4e(face.contiguous(memory_format=torch.channels_last)), e4e(face), rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not computes_in_bfloat16(torch.device("cpu")), reason="takes minutes on this CPU")
def test_bfloat16_is_near(e4e: E4E) -> None:
    face = picture("face")
    half = E4E(ROWS).eval().requires_grad_(False)
    half.load_state_dict(e4e.state_dict())
    near, exact = half.bfloat16()(face.bfloat16()).float(), e4e(face)
    assert float((near - exact).std() / exact.std()) < 0.1


@pytest.mark.parametrize("size", [128, 512])
def test_another_size_is_refused(e4e: E4E, size: int) -> None:
    with pytest.raises(ValueError, match=rf"256, 256\), found \(1, 3, {size}, {size}\)"):
        e4e(picture("face", size))


def test_a_block_without_its_residual_is_its_shortcut() -> None:
    block = BottleneckIR(8, 8, stride=2).eval()
    torch.nn.init.zeros_(block.res_layer.get_parameter("4.weight"))
    x = torch.rand(1, 8, 6, 6)
    assert torch.equal(block(x), x[..., ::2, ::2])


def test_identity_has_unit_norm_and_takes_channels_last() -> None:
    net = ArcFace().eval().requires_grad_(False)
    fill_net("ir_se50", net.state_dict())
    faces = picture("faces", 112, batch=2)
    identity = net(faces.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(identity.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(identity, net(faces), rtol=1e-4, atol=1e-5)


def test_the_face_is_cropped_where_ffhq_has_it() -> None:
    rgb = torch.zeros(1, 3, 256, 256)
    rgb[..., 35:223, 32:220] = 1
    assert torch.equal(crop_face(rgb), torch.ones(1, 3, 112, 112))
    with pytest.raises(ValueError, match="found 112 x 112"):
        crop_face(rgb[..., :112, :112])
