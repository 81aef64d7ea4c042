"""What our networks give for the inputs of a fixture, under the names that the reference's outputs were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unripple.files.tensors import to_256
from unripple.networks.arcface import ArcFace, crop_face
from unripple.networks.consultation import Aligner, ConsultationEncoder
from unripple.networks.e4e import E4E
from unripple.networks.ffc import Features
from unripple.networks.fusion import Fused
from unripple.networks.graphonomy import Graphonomy
from unripple.networks.graphonomy_flow import mirror_averaged, parse, scaled_input
from unripple.networks.graphonomy_graphs import WORD_SIMILARITY
from unripple.networks.hfgi import HFGI
from unripple.networks.lama import LamaGenerator, inpaint_unit, masked_input, pad_symmetric
from unripple.networks.psp import PSP
from unripple.networks.pyramid import TAPS
from unripple.networks.stylegan2 import StyleGAN2, truncate
from unripple.parity.compare import Array
from unripple.parity.fixtures import Meta

#: How each network of a fixture is built; ``size`` is the generator's.
BUILDERS: dict[str, Callable[[int], nn.Module]] = {
    "hfgi": HFGI,
    "hfgi_encoder": lambda size: E4E(),
    "hfgi_generator": StyleGAN2,
    "hfgi_residue": lambda size: ConsultationEncoder(),
    "hfgi_grid_align": lambda size: Aligner(),
    "psp_encoder": lambda size: PSP(),
    "ir_se50": lambda size: ArcFace(),
    "graphonomy": lambda size: Graphonomy(),
    "lama": lambda size: LamaGenerator(),
}


@dataclass
class Outputs:
    """What our networks give for one case."""

    floats: dict[str, Tensor] = field(default_factory=dict)
    #: 8-bit pictures (H, W, 3) by name; what the file holds is strided.
    pictures: dict[str, Array] = field(default_factory=dict)
    #: Logits (1, 20, H, W) that the recorded labels were taken from.
    logits: Tensor | None = None
    #: Small arrays that the file holds whole, without statistics.
    constants: dict[str, Array] = field(default_factory=dict)


@contextmanager
def _recorded(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, list[Any]]]:
    """Outputs of ``modules`` while the block runs, by name, one for each call."""
    calls: dict[str, list[Any]] = {name: [] for name in modules}

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            # A later layer may work on it in place.
            calls[name].append(output.clone() if isinstance(output, Tensor) else output)

        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in modules.items()]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _generator(net: StyleGAN2, x: dict[str, Tensor], meta: Meta, _fixture: Mapping[str, Array]) -> Outputs:
    out = Outputs()
    heads = {"first": net.to_rgb1} | {str(i): head for i, head in enumerate(net.to_rgbs)}

    def picture(name: str, w_plus: Tensor, fused: Fused | None) -> None:
        with _recorded(heads) as calls:
            out.floats[name] = net(w_plus, fused)
        for skips in calls.values():
            out.floats[f"{name}_rgb{skips[0].shape[-1]}"] = skips[0]

    if "w" in x:
        picture("image", x["w"], None)
        if "scale" in x:
            picture("image_cond", x["w"], Fused(x["scale"], x["shift"]))
    if "z" in x:
        out.floats["mapping"] = net.mapping(x["z"])
        if "truncation_latent" in x:
            w = truncate(out.floats["mapping"], x["truncation_latent"], meta["truncation"])
            w_plus = w[:, None].expand(-1, net.rows, -1)
            out.floats["latents_from_z_trunc"] = w_plus
            picture("image_from_z_trunc", w_plus, None)
    return out


def _e4e(net: E4E, x: dict[str, Tensor], _meta: Meta, _fixture: Mapping[str, Array]) -> Outputs:
    body = {f"body{i}": net.body[i] for i in TAPS}
    with _recorded(body) as calls:
        codes = net(x["x"])
    return Outputs(floats={"codes": codes} | {name: tapped[0] for name, tapped in calls.items()})


def _psp(net: PSP, x: dict[str, Tensor], _meta: Meta, _fixture: Mapping[str, Array]) -> Outputs:
    return Outputs(floats={"codes": net(x["x"])})


def _consultation(
    net: ConsultationEncoder, x: dict[str, Tensor], _meta: Meta, _fixture: Mapping[str, Array]
) -> Outputs:
    return Outputs(floats=net(x["x"])._asdict())


def _aligner(net: Aligner, x: dict[str, Tensor], _meta: Meta, _fixture: Mapping[str, Array]) -> Outputs:
    return Outputs(floats={"aligned": net(x["res"], x["img"])})


def _arcface(net: ArcFace, x: dict[str, Tensor], _meta: Meta, _fixture: Mapping[str, Array]) -> Outputs:
    face = crop_face(x["img"])
    return Outputs(
        floats={
            "features": net(x["x"]),
            "before_l2_norm": net.embed(x["x"]),
            "pooled_112": face,
            "features_from_256": net(face),
        }
    )


def _hfgi(net: HFGI, x: dict[str, Tensor], meta: Meta, fixture: Mapping[str, Array]) -> Outputs:
    net.latent_avg.copy_(x["latent_avg"])
    inverted = net.invert(x["x"])
    direction = torch.zeros(1, device=x["x"].device)
    if "direction" in fixture:
        direction = torch.from_numpy(fixture["direction"]).to(x["x"].device)
    edited = net.edit(inverted.w_plus, inverted.distortion, direction, float(meta["factor"]))
    # The published script reduces the final picture without the clamp that the other two get.
    final_256 = nn.functional.interpolate(edited.final, size=(256, 256), mode="bilinear", align_corners=False)
    return Outputs(
        floats={
            "codes": inverted.w_plus,
            "inversion_1024": inverted.inversion,
            "inversion_256": to_256(inverted.inversion),
            "distortion": inverted.distortion,
            "edit_initial_256": to_256(edited.initial),
            "aligned": edited.aligned,
            "scale": edited.fused.scale,
            "shift": edited.fused.shift,
            "final_1024": edited.final,
            "final_256": final_256,
        },
        pictures={"final_uint8": _truncated((final_256 + 1) / 2)},
    )


def _truncated(unit: Tensor) -> Array:
    """``rgb (1, 3, H, W)`` in [0, 1] -> ``uint8 (H, W, 3)``, fractions cut off as the published scripts do."""
    pixels: Array = (unit[0].permute(1, 2, 0).float().cpu().numpy() * 255).clip(0, 255).astype(np.uint8)
    return pixels


def _graphonomy(net: Graphonomy, x: dict[str, Tensor], meta: Meta, _fixture: Mapping[str, Array]) -> Outputs:
    picture = x["img"].cpu().numpy()
    if "scales" in meta:
        return _graphonomy_flow(net, picture, tuple(meta["scales"]), x["img"].device)
    bgr = scaled_input(picture, 1).to(x["img"].device)
    backbone = net.xception_features
    graph_layers = {
        name: net.get_submodule(name)
        for name in ("source_graph_conv1", "target_graph_conv1", "target_graph_conv3", "transpose_graph")
    }
    layers = {
        "block1": backbone.block1,
        "block19": backbone.get_submodule("block19"),
        "xception": backbone,
        "decoder": net.decoder,
        "source_featuremap_2_graph": net.source_featuremap_2_graph,
        "target_featuremap_2_graph": net.target_featuremap_2_graph,
        "target_graph_2_fea": net.target_graph_2_fea,
    }
    with _recorded(layers | graph_layers) as calls:
        logits = net(bgr)
    high, low = calls.pop("xception")[0]
    transferred = calls.pop("transpose_graph")
    floats = {name: outputs[0] for name, outputs in calls.items()}
    floats |= {f"transpose_graph_call{i}": nodes for i, nodes in enumerate(transferred)}
    # The reference carries its nodes with one more dimension, and repeats what is the same at every pixel.
    floats = {
        name: value[None] if name in graph_layers or name.startswith("transpose") else value
        for name, value in floats.items()
    }
    floats["target_graph_2_fea"] = floats["target_graph_2_fea"][:, :, None, None].expand(-1, -1, *low.shape[-2:])
    floats |= {"input": bgr, "logits": logits, "xception_out": high, "low_level": low}
    return Outputs(
        floats=floats,
        logits=logits,
        constants={
            "adj_target": net.cihp.cpu().numpy(),
            "adj_source": net.pascal.cpu().numpy(),
            "adj_transfer": np.array(WORD_SIMILARITY, np.float32),
        },
    )


def _graphonomy_flow(net: Graphonomy, picture: Array, scales: tuple[float, ...], device: torch.device) -> Outputs:
    out = Outputs()
    for i, scale in enumerate(scales):
        bgr = scaled_input(picture, scale).to(device)
        out.floats[f"scale{i}_input"] = bgr
        out.floats[f"scale{i}_avg_logits"] = mirror_averaged(net, bgr)
    out.logits = out.floats["sum_logits"] = parse(net, picture, scales)
    return out


def _lama(net: LamaGenerator, x: dict[str, Tensor], meta: Meta, _fixture: Mapping[str, Array]) -> Outputs:
    if "pad_modulo" in meta:
        return _lama_predict(net, x, meta)
    layers = {str(i): layer for i, layer in enumerate(net.model)}
    seen = masked_input(x["img"], x["mask"])
    with _recorded(layers) as calls:
        predicted = net(seen)
    out = Outputs(floats={"input": seen, "predicted": predicted, "inpainted": inpaint_unit(net, x["img"], x["mask"])})
    for i, outputs in calls.items():
        if isinstance(outputs[0], Features):
            out.floats[f"layer{i}_l"] = outputs[0].local
            if outputs[0].wide is not None:
                out.floats[f"layer{i}_g"] = outputs[0].wide
    out.floats["before_sigmoid"] = calls[str(len(layers) - 2)][0]
    return out


def _lama_predict(net: LamaGenerator, x: dict[str, Tensor], meta: Meta) -> Outputs:
    image = x["img"].permute(2, 0, 1)[None].float() / 255
    mask = x["mask"][None, None].float() / 255
    padded, padded_mask = pad_symmetric(image, meta["pad_modulo"]), pad_symmetric(mask, meta["pad_modulo"])
    inpainted = inpaint_unit(net, image, mask)
    return Outputs(
        floats={
            "padded_image": padded,
            "padded_mask": padded_mask,
            "predicted_padded": net(masked_input(padded, padded_mask)),
            "inpainted": inpainted,
        },
        pictures={"result_uint8": _truncated(inpainted)},
    )


#: Network, its inputs, ``meta`` and the recorded arrays -> our outputs.
RUNNERS: dict[str, Callable[..., Outputs]] = {
    "hfgi": _hfgi,
    "hfgi_encoder": _e4e,
    "hfgi_generator": _generator,
    "hfgi_residue": _consultation,
    "hfgi_grid_align": _aligner,
    "psp_encoder": _psp,
    "ir_se50": _arcface,
    "graphonomy": _graphonomy,
    "lama": _lama,
}
