"""Graphonomy: graphs, folded batch norms, the term that cancels, and mirror symmetry of the whole flow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from unripple.networks.conv_bn import conv_bn
from unripple.networks.graphonomy import Graphonomy, GraphToFeatures
from unripple.networks.graphonomy_flow import parse, person, scaled_input
from unripple.networks.graphonomy_graphs import cihp_graph, pascal_graph, transfer_graph
from unripple.networks.xception import Block
from unripple.parity.fill import fill_net, make_image


@pytest.fixture(scope="module")
def net() -> Graphonomy:
    module = Graphonomy().eval().requires_grad_(False)
    fill_net("graphonomy", module.state_dict())
    return module


def test_graphs_are_normalised() -> None:
    for graph in (cihp_graph(), pascal_graph()):
        assert torch.equal(graph, graph.T)
        # 1 is the largest eigenvalue of D^-1/2 A D^-1/2.
        assert float(torch.linalg.eigvalsh(graph).max()) == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(transfer_graph().sum(dim=1), torch.ones(20))


@pytest.mark.parametrize("groups", [1, 8])
def test_folding_the_batch_norm_changes_nothing(groups: int) -> None:
    conv, bn = nn.Conv2d(8, 16, 3, 2, 1, groups=groups, bias=False), nn.BatchNorm2d(16)
    x = torch.randn(2, 8, 9, 9)
    bn.train()(conv(x) * 3 + 1)  # running statistics other than 0 and 1
    bn.eval()
    torch.testing.assert_close(conv_bn(x, conv, bn), bn(conv(x)), rtol=1e-4, atol=1e-5)


def test_batch_norm_learns_in_training() -> None:
    conv, bn = nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4)
    before = bn.get_buffer("running_mean").clone()
    conv_bn(torch.randn(2, 3, 8, 8) + 5, conv, bn)
    assert not torch.equal(before, bn.get_buffer("running_mean"))


def test_what_a_pixel_adds_to_all_nodes_cancels() -> None:
    layer = GraphToFeatures().requires_grad_(False)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.1)
    nodes, pixels = torch.randn(2, 20, 128), torch.randn(2, 50, 256)
    of_pixels = pixels @ layer.node_fea_for_res  # (B, pixels, 1)
    of_nodes = (nodes @ layer.node_fea_for_hidden).transpose(1, 2)  # (B, 1, nodes)
    share = torch.softmax(of_pixels + of_nodes, dim=-1)  # (B, pixels, nodes)
    in_full = torch.relu(share @ (nodes @ layer.weight))  # (B, pixels, 256)
    torch.testing.assert_close(layer(nodes)[:, None].expand_as(in_full), in_full, rtol=1e-4, atol=1e-5)


def test_the_shortcut_of_a_block_sees_the_rectified_input() -> None:
    block = Block((4, 4)).eval()
    nn.init.zeros_(block.rep.get_parameter("1.pointwise_bn.weight"))
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(block(x), torch.relu(x))


def test_the_input_is_blue_green_red() -> None:
    red = np.zeros((6, 4, 3), np.uint8)
    red[..., 0] = 255
    bgr = scaled_input(red, 1.5)
    assert bgr.shape == (1, 3, 9, 6)
    assert torch.equal(bgr[0, :, 0, 0], torch.tensor([-1.0, -1.0, 1.0]))


def test_a_mirrored_picture_has_mirrored_labels(net: Graphonomy) -> None:
    picture = make_image("mirror", 65, 49)
    logits = parse(net, picture, scales=(1.0, 0.5))
    mirrored = parse(net, np.ascontiguousarray(picture[:, ::-1]), scales=(1.0, 0.5)).flip(-1)
    assert logits.shape == (1, 20, 65, 49)
    swapped = [*range(14), 15, 14, 17, 16, 19, 18]
    torch.testing.assert_close(mirrored[:, swapped], logits, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(mirrored, logits, atol=0.1)


def test_a_person_is_every_label_but_the_background() -> None:
    logits = torch.zeros(1, 20, 1, 3)
    logits[0, [0, 13, 19], 0, [0, 1, 2]] = 1
    assert person(logits).tolist() == [[[[False, True, True]]]]


def test_nothing_to_run_on_is_refused(net: Graphonomy) -> None:
    with pytest.raises(ValueError, match="found none"):
        parse(net, make_image("x", 32, 32), scales=())
    with pytest.raises(ValueError, match="found 1 x 1"):
        parse(net, make_image("x", 1, 1), scales=(0.5,))
