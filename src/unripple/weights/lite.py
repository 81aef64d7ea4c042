"""The embedded models: conversion of the generator, and loading of every ``lite`` network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from unripple.files.tensors import write_tensors
from unripple.networks.consultation import Aligner, ConsultationEncoder
from unripple.networks.descent import Descent
from unripple.networks.e4e_lite import E4eLite
from unripple.networks.lama_lite import LamaLite
from unripple.networks.mobile_stylegan import STYLE_DIM, Mapping, MobileStyleGAN
from unripple.networks.parser import Parser
from unripple.networks.preview import Preview
from unripple.networks.ripple_finder import RippleFinder
from unripple.weights import openvino_ir
from unripple.weights.own import own_file

GENERATOR, MAPPING, DIRECTIONS = "generator.safetensors", "mapping.safetensors", "directions.safetensors"
ENCODER, CONSULTATION = "encoder.safetensors", "consultation.safetensors"
PARSER, INPAINTER = "parser.safetensors", "inpainter.safetensors"
DESCENT, PREVIEW = "descent.safetensors", "preview.safetensors"

#: Middle channels of Ec's condition heads (512 in the published network).
CONSULTATION_WIDTH = 128


M = TypeVar("M", bound=nn.Module)


class MissingModel(FileNotFoundError):
    """A model file is not where it should be; the message says what to do."""


def package_data() -> Path:
    """The data folder of the package ``random-face``, found without importing it.

    Raises ``MissingModel`` if the package is not installed.
    """
    spec = find_spec("random_face")
    if spec is None or not spec.submodule_search_locations:
        raise MissingModel(
            "the package random-face is not installed, and the generator's weights are read from it: "
            "install it without its dependencies (requirements/no-deps.txt)"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def convert_generator(target: Path) -> list[Path]:
    """Convert MobileStyleGAN-FFHQ from the package's IR files to ``mapping`` and ``generator`` safetensors."""
    source = package_data()
    written = []
    for name, states, ir in (
        (MAPPING, openvino_ir.mapping_state, "MappingNetwork.xml"),
        (GENERATOR, openvino_ir.synthesis_state, "SynthesisNetwork.xml"),
    ):
        state = {k: torch.tensor(v).contiguous() for k, v in states(openvino_ir.read(source / ir)).items()}
        write_tensors(target / name, state, {"source": "random-face 2021.7.21.1", "license": "Apache-2.0"})
        written.append(target / name)
    return written


def load_into(network: M, file: Path) -> M:
    """Load a safetensors file strictly into ``network``, as float32, frozen and in eval mode.

    Raises ``MissingModel`` if the file is not there, ``ValueError`` naming the file if keys or shapes differ.
    """
    return load_state(network, _read(file), file)


def _read(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise MissingModel(f"{file}: model file not found; `make weights` puts it there, `unripple doctor` lists all")
    return load_file(file)


def load_state(network: M, state: dict[str, Tensor], file: Path) -> M:
    floats = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    try:
        network.load_state_dict(floats)
    except RuntimeError as error:
        raise ValueError(f"{file}: not the weights of {type(network).__name__}: {error}") from error
    return network.eval().requires_grad_(False)


def load_mapping(folder: Path) -> Mapping:
    """z -> w."""
    return load_into(Mapping(), folder / MAPPING)


def load_generator(folder: Path) -> MobileStyleGAN:
    """w_plus -> rgb 1024."""
    return load_into(MobileStyleGAN(), folder / GENERATOR)


def load_direction(folder: Path, attribute: str) -> Tensor:
    """The unit vector ``(512,)`` of an attribute (``pose``, ``smile``, ``age``), float32.

    Raises ``MissingModel`` if there is no directions file, ``KeyError`` naming what there is for another attribute.
    """
    file = folder / DIRECTIONS
    directions = _read(file)
    if attribute not in directions:
        raise KeyError(f"{file}: no direction {attribute!r}; it has {', '.join(sorted(directions))}")
    return directions[attribute].float()


def load_encoder(folder: Path) -> E4eLite:
    """rgb -> w_plus."""
    return load_into(E4eLite(), folder / ENCODER)


def load_descent(folder: Path) -> Descent:
    """The axes along which codes are refined.

    Raises ``MissingModel`` if the file is not there, ``ValueError`` naming the file if it holds something else.
    """
    file = folder / DESCENT
    state = _read(file)
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    if shapes != {"axes": (STYLE_DIM, STYLE_DIM), "squares": (STYLE_DIM,)}:
        raise ValueError(f"{file}: expected axes (512, 512) and squares (512,), found {shapes}")
    return Descent(state["axes"].float(), state["squares"].float())


def load_preview(folder: Path) -> Preview:
    """The generator's last two blocks at 128 px."""
    return load_into(Preview(), folder / PREVIEW)


def load_consultation(folder: Path) -> tuple[Aligner, ConsultationEncoder]:
    """ADA and Ec, stored in one file under HFGI's prefixes."""
    file = folder / CONSULTATION
    state = _read(file)
    unknown = [key for key in state if not key.startswith(("grid_align.", "residue."))]
    if unknown:
        raise ValueError(f"{file}: expected keys grid_align.* and residue.*, found {', '.join(unknown[:5])}")
    aligner, encoder = (
        {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        for prefix in ("grid_align.", "residue.")
    )
    return (
        load_state(Aligner(), aligner, file),
        load_state(ConsultationEncoder(CONSULTATION_WIDTH), encoder, file),
    )


def load_ada_pose(folder: Path) -> Aligner:
    """The ADA of the row ``ada_pose``, which learned true turns."""
    return load_into(Aligner(), own_file(folder, "ada_pose"))


def load_parser(folder: Path) -> Parser:
    """rgb -> person matte."""
    return load_into(Parser(), folder / PARSER)


def load_inpainter(folder: Path) -> LamaLite:
    """rgb and mask -> rgb."""
    return load_into(LamaLite(), folder / INPAINTER)


def load_ripple_finder(folder: Path) -> RippleFinder:
    """Photo, inversion, edit and low-rate edit -> where an after-image shows."""
    return load_into(RippleFinder(), own_file(folder, "ripple_finder"))
