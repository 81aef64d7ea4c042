"""A checkpoint as published -> safetensors with the keys of our network, and a record of where they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from unripple import __version__
from unripple.files.data import write_json
from unripple.files.tensors import write_tensors
from unripple.networks.arcface import ArcFace
from unripple.networks.e4e import E4E
from unripple.networks.graphonomy import Graphonomy
from unripple.networks.hfgi import HFGI
from unripple.networks.lama import LamaGenerator
from unripple.networks.psp import PSP
from unripple.networks.stylegan2 import STYLE_DIM, StyleGAN2
from unripple.settings.attributes import ATTRIBUTES
from unripple.weights.published.layouts import State, read
from unripple.weights.published.manifest import WeightsError, checksum, manifest, verify
from unripple.weights.roles import (
    LATENT_AVG,
    LAYOUT_OF,
    LAYOUTS,
    ROLE_OF,
    WITH_LATENT_AVG,
    Layout,
    Role,
    converted_file,
    provenance_file,
)

#: Our networks by role; in the files of e4e and pSp the generator lies beside the encoder.
NETWORKS: Final[dict[Role, Callable[[], nn.Module]]] = {
    "generator": StyleGAN2,
    "hfgi": HFGI,
    "e4e": lambda: nn.ModuleDict({"encoder": E4E(), "decoder": StyleGAN2()}),
    "psp": lambda: nn.ModuleDict({"encoder": PSP(), "decoder": StyleGAN2()}),
    "parser": Graphonomy,
    "inpainter": LamaGenerator,
    "identity": ArcFace,
}
#: Counters that only a training reads; files older than PyTorch 0.4.1 lack them.
COUNTER: Final = "num_batches_tracked"


def expected(role: Role) -> State:
    """Keys, shapes and types of a role's file, as tensors without values."""
    if role == "directions":
        return {attribute: torch.empty(STYLE_DIM, device="meta") for attribute in ATTRIBUTES}
    with torch.device("meta"):
        state = dict(NETWORKS[role]().state_dict())
    if role in WITH_LATENT_AVG:
        shape = (STYLE_DIM,) if role == "generator" else (18, STYLE_DIM)
        state[LATENT_AVG] = torch.empty(shape, device="meta")
    return state


def convert(path: Path, models: Path, layout: Layout | None = None) -> Path:
    """Convert ``path`` and return the file written below ``models``.

    A file with a published name must be the published one. With a ``layout`` it may be any file of that layout, for
    instance of an own training. A direction joins those that are already converted. Raises ``WeightsError``.
    """
    known = next((weights for weights in manifest().values() if weights.file == path.name), None)
    chosen = layout or LAYOUT_OF.get(path.name)
    if chosen is None and known is not None:
        raise WeightsError(f"{path}: nothing to convert: {known.name} is used as it is, from {known.path(models)}")
    if chosen is None:
        raise WeightsError(f"{path}: not the name of published weights; say its layout, --as {' | '.join(LAYOUTS)}")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; `unripple weights where` says where to get the published ones")
    weights = known if layout is None else None
    if weights is not None and weights.sha256:
        verify(weights, models, path)
    role = ROLE_OF[chosen]
    state = matched(read(path, chosen), _due(role, path), path)
    # What has no public checksum is held to only once it has turned out to be what it should be.
    sha256 = verify(weights, models, path) if weights is not None and not weights.sha256 else checksum(path)
    record: dict[str, object] = {
        "layout": chosen,
        "source": {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256, "published": weights is not None},
        "licence": weights.licence if weights is not None else "as its author says",
        "converted_by": f"unripple {__version__}, torch {torch.__version__}",
        "tensors": len(state),
        "values": sum(value.numel() for value in state.values()),
    }
    target = converted_file(models, role)
    records: dict[str, object] = {path.stem if role == "directions" else role: record}
    if role == "directions" and target.is_file():
        # What was converted before stays, with its records.
        state = {**load_file(target), **state}
        records = {**_records(provenance_file(models, role)), **records}
    write_tensors(target, state, {"role": role})
    write_json(provenance_file(models, role), {"file": target.name, "sha256": checksum(target), "converted": records})
    return target


def _due(role: Role, path: Path) -> State:
    state = expected(role)
    return {path.stem: state[path.stem]} if role == "directions" and path.stem in state else state


def matched(state: Mapping[str, Tensor], due: Mapping[str, Tensor], path: Path) -> State:
    """``state`` with exactly the keys and shapes of ``due``, floats as float32, each tensor on its own.

    Raises ``WeightsError`` that names missing, unknown and misshaped keys, and those with values that are not finite.
    """
    found = dict(state)
    for key in due.keys() - found.keys():
        if key.endswith(COUNTER):
            found[key] = torch.zeros((), dtype=torch.int64)
    problems = [
        _told("missing", [key for key in due if key not in found]),
        _told("unknown", [key for key in found if key not in due]),
        _told(
            "of another shape or type",
            [
                f"{key} (expected {_kind(value)}, found {_kind(found[key])})"
                for key, value in due.items()
                if key in found and not _fits(found[key], value)
            ],
        ),
    ]
    if any(problems):
        raise WeightsError(f"{path}: not the expected weights: {'; '.join(filter(None, problems))}")
    infinite = [key for key, value in found.items() if value.is_floating_point() and not value.isfinite().all()]
    if infinite:
        raise WeightsError(f"{path}: damaged: {_told('with values that are not finite', infinite)}")
    return {key: _own(found[key]) for key in due}


def _fits(found: Tensor, due: Tensor) -> bool:
    return (
        found.layout == torch.strided
        and found.shape == due.shape
        and found.is_floating_point() == due.is_floating_point()
    )


def _own(value: Tensor) -> Tensor:
    value = value.detach().to(torch.float32 if value.is_floating_point() else torch.int64).contiguous()
    alone = value.untyped_storage().nbytes() == value.numel() * value.element_size()
    return value if alone else value.clone()


def _kind(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"


def _told(what: str, keys: list[str]) -> str:
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return f"{len(keys)} {what}: {', '.join(keys[:5])}{more}" if keys else ""


def _records(path: Path) -> dict[str, object]:
    try:
        converted: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))["converted"]
        return converted
    except (FileNotFoundError, ValueError, KeyError):
        return {}
