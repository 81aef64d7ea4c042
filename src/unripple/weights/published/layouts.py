"""The layouts in which the papers' authors published their weights -> the state dicts of our networks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from unripple.networks.stylegan2 import STYLE_DIM, StyleGAN2
from unripple.settings.attributes import ATTRIBUTES
from unripple.weights.published import checkpoints, zips
from unripple.weights.published.manifest import WeightsError
from unripple.weights.roles import LATENT_AVG, Layout

State = dict[str, Tensor]

#: Samples of the mapping network that stand for a mean code which the file does not hold.
MEAN_SAMPLES: Final = 10_000
#: A published direction has norm 1 to float32's precision.
UNIT: Final = 1e-3


def read(path: Path, layout: Layout) -> State:
    """The tensors of ``path`` under the keys of our network, not yet compared with it.

    Where the role has a mean code (``roles.WITH_LATENT_AVG``) it is one more tensor. Raises ``WeightsError`` if the
    file is damaged, has another layout, or would have to run code.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; `unripple weights where` says where to get the published ones")
    return READERS[layout](path)


def _state(found: object, path: Path, what: str) -> State:
    """``found`` as a state dict."""
    if not isinstance(found, Mapping) or not found:
        raise WeightsError(f"{path}: expected {what} to be named tensors, found {type(found).__name__}")
    others = [str(key) for key, value in found.items() if not isinstance(key, str) or not isinstance(value, Tensor)]
    if others:
        raise WeightsError(f"{path}: expected only named tensors in {what}, found others: {', '.join(others[:5])}")
    return dict(found)


def _part(checkpoint: object, key: str, path: Path) -> State:
    """The state dict under ``key`` of a checkpoint."""
    if not isinstance(checkpoint, Mapping) or key not in checkpoint:
        found = ", ".join(map(str, list(checkpoint)[:5])) if isinstance(checkpoint, Mapping) else type(checkpoint)
        raise WeightsError(f"{path}: expected a checkpoint with {key!r}, found {found}")
    return _state(checkpoint[key], path, repr(key))


def _inverter(path: Path) -> State:
    """HFGI, e4e and pSp: ``state_dict``, ``latent_avg`` for each row, and training options that are not needed."""
    checkpoint: Any = checkpoints.load(path)
    state = _part(checkpoint, "state_dict", path)
    mean = checkpoint.get("latent_avg")
    if not isinstance(mean, Tensor):
        raise WeightsError(f"{path}: expected a tensor 'latent_avg', without which codes are meaningless; found none")
    rows = 18
    if mean.numel() not in (STYLE_DIM, rows * STYLE_DIM):
        raise WeightsError(f"{path}: expected 'latent_avg' of ({rows}, {STYLE_DIM}), found {tuple(mean.shape)}")
    return {**state, LATENT_AVG: mean.reshape(-1, STYLE_DIM).expand(rows, -1)}


def _stylegan2(path: Path) -> State:
    """rosinality's: the averaged generator ``g_ema``; a generator and a discriminator in training are left out."""
    checkpoint: Any = checkpoints.load(path)
    state = _part(checkpoint, "g_ema", path)
    mean = checkpoint.get("latent_avg")
    if mean is None:
        return {**state, LATENT_AVG: _mean_code(state, path)}
    if not isinstance(mean, Tensor) or mean.numel() != STYLE_DIM:
        raise WeightsError(f"{path}: expected 'latent_avg' of ({STYLE_DIM},), found {getattr(mean, 'shape', mean)}")
    return {**state, LATENT_AVG: mean.reshape(STYLE_DIM)}


@torch.no_grad()
def _mean_code(state: State, path: Path) -> Tensor:
    """The mean of W over ``MEAN_SAMPLES`` codes of a fixed seed."""
    with torch.device("meta"):
        mapping = StyleGAN2(64).style
    own = {key.removeprefix("style."): value for key, value in state.items() if key.startswith("style.")}
    try:
        mapping.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise WeightsError(f"{path}: not StyleGAN2's mapping network (style.*): {error}") from error
    z = torch.randn(MEAN_SAMPLES, STYLE_DIM, generator=torch.Generator().manual_seed(0))
    mean: Tensor = mapping(z).mean(dim=0)
    return mean


def _graphonomy(path: Path) -> State:
    """A bare state dict. A model in training names its source graph without ``source_``."""
    state = _state(checkpoints.load(path), path, "the file")
    known = ("source", "target", "fc_", "transpose_graph")

    def renamed(key: str) -> str:
        key = key.removeprefix("module.")
        return f"source_{key}" if "graph" in key and not any(name in key for name in known) else key

    return {renamed(key): value for key, value in state.items()}


def _lama_checkpoint(path: Path) -> State:
    """A Lightning checkpoint: the generator, without losses and evaluators that training leaves in it."""
    state = _part(checkpoints.load(path, checkpoints.LIGHTNING), "state_dict", path)
    return _below(state, "generator.", path)


def _lama_zip(path: Path) -> State:
    """The authors' archive, from which only ``models/best.ckpt`` is taken."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = zips.extract(path, "models/best.ckpt", Path(folder, "best.ckpt"))
        try:
            return _lama_checkpoint(checkpoint)
        except WeightsError as error:
            raise WeightsError(str(error).replace(str(checkpoint), f"{path}: models/best.ckpt")) from error


def _lama_torchscript(path: Path) -> State:
    """A TorchScript archive; the generator is somewhere in the module that was saved."""
    state = checkpoints.load_torchscript(path)
    stem = "model.1.ffc.convl2l.weight"
    prefixes = [key.removesuffix(stem) for key in state if key.endswith(stem)]
    if len(prefixes) != 1:
        raise WeightsError(f"{path}: expected one LaMa generator (…{stem}), found {len(prefixes)}")
    return _below(state, prefixes[0], path)


def _below(state: State, prefix: str, path: Path) -> State:
    below = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    if not below:
        raise WeightsError(f"{path}: expected keys {prefix}*, found {', '.join(list(state)[:5])}")
    return below


def _ir_se50(path: Path) -> State:
    """A bare state dict."""
    return _state(checkpoints.load(path), path, "the file")


def _interfacegan(path: Path) -> State:
    """One direction, perhaps repeated for each row of ``w_plus``; the file's name says which."""
    if path.stem not in ATTRIBUTES:
        names = ", ".join(f"{name}.pt" for name in ATTRIBUTES)
        raise WeightsError(f"{path}: a direction is known by the name of its file: expected one of {names}")
    vector = checkpoints.load(path)
    if not isinstance(vector, Tensor) or vector.numel() == 0 or vector.shape[-1] != STYLE_DIM:
        found = tuple(vector.shape) if isinstance(vector, Tensor) else type(vector).__name__
        raise WeightsError(f"{path}: expected a tensor (rows, {STYLE_DIM}), found {found}")
    rows = vector.reshape(-1, STYLE_DIM).float()
    if not torch.equal(rows, rows[:1].expand_as(rows)):
        raise WeightsError(f"{path}: expected the same direction in each row, found different ones")
    norm = float(rows[0].norm())
    if not abs(norm - 1) < UNIT:
        raise WeightsError(f"{path}: expected a direction of norm 1, found {norm:.4f}")
    return {path.stem: rows[0]}


READERS: Final[dict[Layout, Callable[[Path], State]]] = {
    "hfgi": _inverter,
    "e4e": _inverter,
    "psp": _inverter,
    "stylegan2": _stylegan2,
    "graphonomy": _graphonomy,
    "lama-zip": _lama_zip,
    "lama-checkpoint": _lama_checkpoint,
    "lama-torchscript": _lama_torchscript,
    "ir-se50": _ir_se50,
    "interfacegan": _interfacegan,
}
