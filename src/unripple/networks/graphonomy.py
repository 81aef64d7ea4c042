"""Graphonomy (Gong et al., CVPR 2019): human parsing with graph reasoning over labels, transferred from PASCAL to CIHP.

A DeepLab v3+ whose decoder's features are pooled into one node per label; the nodes exchange messages along the
label graphs, and what they learnt is added to the features. Keys are those of the published ``inference.pth``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.networks import graphonomy_graphs as graphs
from unripple.networks.conv_bn import conv_bn
from unripple.networks.xception import SeparableConv2d, Xception

FEATURES = 256
HIDDEN = 128
#: Dilations of the three atrous branches.
ATROUS_RATES = (6, 12, 18)


def resize(x: Tensor, like: Tensor) -> Tensor:
    """``x`` at the size of ``like``, as the published network resizes everything."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=True)


class PointBranch(nn.Module):
    """1x1 convolution, batch norm, ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.atrous_convolution = nn.Conv2d(2048, FEATURES, 1, bias=False)
        self.bn = nn.BatchNorm2d(FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(conv_bn(x, self.atrous_convolution, self.bn))


class SeparableBranch(nn.Module):
    """A separable convolution with ReLUs, under the name that the checkpoint gives it."""

    def __init__(self, channels_in: int, dilation: int = 1) -> None:
        super().__init__()
        self.atrous_convolution = SeparableConv2d(channels_in, FEATURES, dilation=dilation, activate=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.atrous_convolution(x)
        return out


class FeaturesToGraph(nn.Module):
    """Pools features into nodes: ``(B, 256, H, W) -> (B, nodes, 128)`` (equation 1).

    Nodes are sums over all pixels, so they grow with the picture.
    """

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.pre_fea = nn.Parameter(torch.zeros(FEATURES, nodes))
        self.weight = nn.Parameter(torch.zeros(FEATURES, HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.flatten(2)  # (B, 256, HW)
        assignment = torch.softmax(self.pre_fea.T @ pixels, dim=1)  # (B, nodes, HW)
        # Pooling before the projection, which is linear, saves a (HW, 128) product.
        return torch.relu(assignment @ pixels.transpose(1, 2) @ self.weight)


class GraphConvolution(nn.Module):
    """``relu(graph @ nodes @ weight)`` (equation 2): ``(B, nodes, in) -> (B, rows of the graph, out)``."""

    def __init__(self, features_in: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features_in, features))

    def forward(self, nodes: Tensor, graph: Tensor | None = None) -> Tensor:
        message = nodes @ self.weight
        return torch.relu(message if graph is None else graph @ message)


class GraphTransfer(GraphConvolution):
    """A graph convolution from source to target labels (section 3.3).

    ``adj`` is a learnt transfer matrix of the checkpoint that inference does not read.
    """

    def __init__(self) -> None:
        super().__init__(HIDDEN, HIDDEN)
        self.adj = nn.Parameter(torch.zeros(len(graphs.CIHP_LABELS), len(graphs.PASCAL_LABELS)))


class GraphToFeatures(nn.Module):
    """What the nodes add to every pixel: ``(B, nodes, 128) -> (B, 256)`` (equation 3).

    The paper weighs nodes per pixel by a softmax over nodes of ``a(pixel) + b(node)``. Being equal for all nodes,
    ``a`` cancels: the weights, and so the result, are the same at every pixel. ``node_fea_for_res``, which gives
    ``a``, is kept for the checkpoint's sake.
    """

    def __init__(self) -> None:
        super().__init__()
        self.node_fea_for_res = nn.Parameter(torch.zeros(FEATURES, 1))
        self.node_fea_for_hidden = nn.Parameter(torch.zeros(HIDDEN, 1))
        self.weight = nn.Parameter(torch.zeros(HIDDEN, FEATURES))

    def forward(self, nodes: Tensor) -> Tensor:
        share = torch.softmax(nodes @ self.node_fea_for_hidden, dim=1)  # (B, nodes, 1)
        return torch.relu((share * (nodes @ self.weight)).sum(dim=1))


def similarity_transfer(source: Tensor, target: Tensor) -> Tensor:
    """Source nodes mixed for each target node by cosine similarity: ``(B, 7, C), (B, 20, C) -> (B, 20, C)``."""
    similarity = F.normalize(target, dim=-1) @ F.normalize(source, dim=-1).transpose(1, 2)
    return torch.softmax(similarity, dim=-1) @ source


class Graphonomy(nn.Module):
    """Graphonomy's transfer network for the 20 labels of CIHP."""

    cihp: Tensor
    pascal: Tensor
    transfer: Tensor

    def __init__(self) -> None:
        super().__init__()
        labels = len(graphs.CIHP_LABELS)
        self.xception_features = Xception()
        self.aspp1 = PointBranch()
        self.aspp2, self.aspp3, self.aspp4 = (SeparableBranch(2048, rate) for rate in ATROUS_RATES)
        self.global_avg_pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(2048, FEATURES, 1, bias=False),
            nn.BatchNorm2d(FEATURES),
            nn.ReLU(),
        )
        self.concat_projection_conv1 = nn.Conv2d(5 * FEATURES, FEATURES, 1, bias=False)
        self.concat_projection_bn1 = nn.BatchNorm2d(FEATURES)
        self.feature_projection_conv1 = nn.Conv2d(FEATURES, 48, 1, bias=False)
        self.feature_projection_bn1 = nn.BatchNorm2d(48)
        self.decoder = nn.Sequential(SeparableBranch(FEATURES + 48), SeparableBranch(FEATURES))
        self.semantic = nn.Conv2d(FEATURES, labels, 1)
        self.target_featuremap_2_graph = FeaturesToGraph(labels)
        self.target_graph_conv1 = GraphConvolution(HIDDEN, HIDDEN)
        self.target_graph_conv2 = GraphConvolution(HIDDEN, HIDDEN)
        self.target_graph_conv3 = GraphConvolution(HIDDEN, HIDDEN)
        self.target_graph_2_fea = GraphToFeatures()
        self.target_skip_conv = nn.Sequential(nn.Conv2d(FEATURES, FEATURES, 1), nn.ReLU())
        self.source_featuremap_2_graph = FeaturesToGraph(len(graphs.PASCAL_LABELS))
        self.source_graph_conv1 = GraphConvolution(HIDDEN, HIDDEN)
        self.source_graph_conv2 = GraphConvolution(HIDDEN, HIDDEN)
        self.source_graph_conv3 = GraphConvolution(HIDDEN, HIDDEN)  # in the checkpoint, never used
        self.transpose_graph = GraphTransfer()
        self.fc_graph = GraphConvolution(3 * HIDDEN, HIDDEN)
        self.register_buffer("cihp", graphs.cihp_graph(), persistent=False)
        self.register_buffer("pascal", graphs.pascal_graph(), persistent=False)
        self.register_buffer("transfer", graphs.transfer_graph(), persistent=False)

    def features(self, bgr: Tensor) -> Tensor:
        """DeepLab v3+ without its classifier: ``(B, 3, H, W) -> (B, 256, H/4, W/4)``."""
        high, low = self.xception_features(bgr)
        branches = [branch(high) for branch in (self.aspp1, self.aspp2, self.aspp3, self.aspp4)]
        pooled = self.global_avg_pool(high).expand(-1, -1, *high.shape[-2:])
        x = torch.cat((*branches, pooled), dim=1)
        x = F.relu_(conv_bn(x, self.concat_projection_conv1, self.concat_projection_bn1))
        low = F.relu_(conv_bn(low, self.feature_projection_conv1, self.feature_projection_bn1))
        out: Tensor = self.decoder(torch.cat((resize(x, low), low), dim=1))
        return out

    def reason(self, x: Tensor) -> Tensor:
        """What graph reasoning adds to every pixel's features: ``(B, 256, H, W) -> (B, 256)``."""
        source = self.source_featuremap_2_graph(x)
        target = self.target_featuremap_2_graph(x)
        # The published network uses the second source layer twice.
        source_layers = (self.source_graph_conv1, self.source_graph_conv2, self.source_graph_conv2)
        target_layers = (self.target_graph_conv1, self.target_graph_conv2, self.target_graph_conv3)
        for source_layer, target_layer in zip(source_layers, target_layers, strict=True):
            source = source_layer(source, self.pascal)
            by_words = self.transpose_graph(source, self.transfer)
            by_similarity = similarity_transfer(source, target)
            target = self.fc_graph(torch.cat((target, by_similarity, by_words), dim=-1))
            target = target_layer(target, self.cihp)
        added: Tensor = self.target_graph_2_fea(target)
        return added

    def forward(self, bgr: Tensor) -> Tensor:
        """Logits of the labels.

        Args:
            bgr: ``float (B, 3, H, W)`` in [-1, 1]; channels are blue, green, red.

        Returns:
            ``float (B, 20, H, W)``.
        """
        return resize(self.coarse(bgr), bgr)

    def coarse(self, bgr: Tensor) -> Tensor:
        """The logits at a fourth of the size, where the network makes them: ``float (B, 20, H/4, W/4)``."""
        x = self.features(bgr)
        # The classifier is linear: what is added to every pixel can be classified once.
        reasoned = F.linear(self.reason(x), self.semantic.weight.flatten(1))  # (B, 20)
        logits: Tensor = self.semantic(self.target_skip_conv(x)) + reasoned[:, :, None, None]
        return logits
