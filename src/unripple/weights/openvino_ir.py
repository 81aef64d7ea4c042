"""Read MobileStyleGAN's weights out of the OpenVINO IR files that the package ``random-face`` ships.

The IR is an XML graph whose constants point into one binary file. Some constants lost their names when
normalisations were folded in, so each is found by its place in the graph, next to a constant that kept its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass
class Graph:
    """An IR graph: node types, float constants, and who feeds whom."""

    kinds: dict[int, str] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    constants: dict[int, Array] = field(default_factory=dict)
    inputs: dict[int, dict[int, int]] = field(default_factory=dict)
    consumers: dict[int, list[int]] = field(default_factory=dict)

    def named(self, name: str) -> Array:
        """The constant that kept its name."""
        return self.constants[self.names[name]]

    def consumer(self, node: int, kind: str) -> int:
        """The single node of that kind that uses ``node``."""
        (consumer,) = [n for n in self.consumers[node] if self.kinds[n] == kind]
        return consumer

    def constant_of(self, node: int) -> Array:
        """The float constant among the inputs of ``node``."""
        (constant,) = [self.constants[i] for i in self.inputs[node].values() if i in self.constants]
        return constant


def read(xml: Path) -> Graph:
    """Read ``NAME.xml`` with ``NAME.bin`` beside it.

    Raises ``ValueError`` if a constant lies outside the binary file.
    """
    root = ElementTree.parse(xml).getroot()
    blob = xml.with_suffix(".bin").read_bytes()
    graph = Graph()
    for layer in root.iterfind("layers/layer"):
        node, kind = int(layer.attrib["id"]), layer.attrib["type"]
        graph.kinds[node] = kind
        graph.names[layer.attrib["name"]] = node
        data = layer.find("data")
        if kind != "Const" or data is None or data.attrib["element_type"] != "f32":
            continue
        shape = [int(s) for s in data.attrib["shape"].split(",") if s.strip()]
        offset, size = int(data.attrib["offset"]), int(data.attrib["size"])
        if offset + size > len(blob) or size != 4 * int(np.prod(shape)):
            raise ValueError(f"{xml.with_suffix('.bin')}: constant {layer.attrib['name']} does not fit the file")
        graph.constants[node] = np.frombuffer(blob, "<f4", size // 4, offset).reshape(shape)
    for edge in root.iterfind("edges/edge"):
        source, target = int(edge.attrib["from-layer"]), int(edge.attrib["to-layer"])
        graph.inputs.setdefault(target, {})[int(edge.attrib["to-port"])] = source
        graph.consumers.setdefault(source, []).append(target)
    return graph


def mapping_state(graph: Graph) -> dict[str, Array]:
    """State dict of ``networks.mobile_stylegan.Mapping``. The gain after each leaky ReLU is folded in."""
    state: dict[str, Array] = {}
    matmuls = [n for n, kind in graph.kinds.items() if kind == "MatMul"]
    for i, matmul in enumerate(matmuls):
        add = graph.consumer(matmul, "Add")
        bias_node = next(n for n in graph.inputs[add].values() if n != matmul)
        bias = graph.constants[graph.inputs[bias_node][0]]
        activation = graph.consumer(add, "PReLU")
        gain = float(graph.constant_of(graph.consumer(activation, "Multiply")).item())
        # leaky ReLU is homogeneous, so a positive gain after it may be put before it
        state[f"layers.{i}.weight"] = graph.constant_of(matmul) * np.float32(gain)
        state[f"layers.{i}.bias"] = bias.reshape(-1) * np.float32(gain)
    return state


def _styled_conv(graph: Graph, source: str, *, separable: bool) -> dict[str, Array]:
    """State of one ``StyledConv`` whose constants are named ``source.*`` in the graph."""
    affine = graph.consumer(graph.names[f"{source}.conv.modulation.weight"], "MatMul")
    add = graph.consumer(affine, "Add")
    scale = graph.constant_of(graph.consumer(graph.consumer(add, "Reshape"), "Multiply")).reshape(())
    state = {
        "modulation.weight": graph.named(f"{source}.conv.modulation.weight") * scale,
        "modulation.bias": graph.named(f"{source}.conv.modulation.bias").reshape(-1) * scale,
        "conv.bias": graph.named(f"{source}.bias").reshape(-1),
    }
    if separable:
        name = f"{source}.conv.weight_dw"
        weight = graph.named(name)
        state["depthwise.weight"] = weight.reshape(weight.shape[0], 1, 3, 3)
        conv = graph.consumer(graph.consumer(graph.names[name], "GroupConvolution"), "Convolution")
    else:
        # the only 3x3 convolution that is not depth-wise
        (conv,) = [
            n for n, kind in graph.kinds.items() if kind == "Convolution" and graph.constant_of(n).shape[-2:] == (3, 3)
        ]
    state["conv.weight"] = graph.constant_of(conv)
    state["noise"] = graph.constant_of(graph.consumer(conv, "Add"))
    return state


def synthesis_state(graph: Graph, blocks: int = 7) -> dict[str, Array]:
    """State dict of ``networks.mobile_stylegan.MobileStyleGAN``. Modulation scales are folded in."""
    state = {"constant": graph.named("m.input.input")}
    parts = {"conv0": _styled_conv(graph, "m.conv1", separable=False)}
    for i in range(blocks):
        state[f"blocks.{i}.up.weight"] = graph.named(f"m.layers.{i}.up.modulation.weight")
        state[f"blocks.{i}.up.bias"] = graph.named(f"m.layers.{i}.up.modulation.bias").reshape(-1)
        for conv in ("conv1", "conv2"):
            parts[f"blocks.{i}.{conv}"] = _styled_conv(graph, f"m.layers.{i}.{conv}", separable=True)
    for prefix, part in parts.items():
        state |= {f"{prefix}.{key}": value for key, value in part.items()}

    image = f"m.layers.{blocks - 1}.to_img"
    add = graph.consumer(graph.consumer(graph.names[f"{image}.conv.modulation.weight"], "MatMul"), "Add")
    scale = graph.constant_of(graph.consumer(graph.consumer(add, "Reshape"), "Multiply")).reshape(())
    state["head.modulation.weight"] = graph.named(f"{image}.conv.modulation.weight") * scale
    state["head.modulation.bias"] = graph.named(f"{image}.conv.modulation.bias").reshape(-1) * scale
    state["head.conv.weight"] = graph.named(f"{image}.conv.weight")
    state["head.conv.bias"] = graph.named(f"{image}.bias").reshape(-1)

    # The package keeps the three details of a channel together; we keep each band together, so that slices of bands
    # need no copy. What reads or writes wavelet channels is reordered once, here.
    writers = ["conv0", *(f"blocks.{i}.conv2" for i in range(blocks - 1))]
    for i, writer in enumerate(writers):
        for key in (f"{writer}.conv.weight", f"{writer}.conv.bias", f"blocks.{i}.up.weight", f"blocks.{i}.up.bias"):
            state[key] = _bands_together(state[key])
    for key in ("head.conv.weight", "head.conv.bias"):
        state[key] = _bands_together(state[key])
    return state


def _bands_together(value: Array) -> Array:
    """Reorder axis 0 from C low bands and C triples of details to four runs of C."""
    c = len(value) // 4
    details = value[c:].reshape(c, 3, *value.shape[1:]).swapaxes(0, 1)
    return np.concatenate([value[:c], details.reshape(3 * c, *value.shape[1:])])
