"""Which converted file each published model becomes: the names that converters write and model sets read."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

from unripple.settings.attributes import ATTRIBUTES

Role = Literal["generator", "hfgi", "e4e", "psp", "parser", "inpainter", "identity", "directions"]
Layout = Literal[
    "hfgi",
    "e4e",
    "psp",
    "stylegan2",
    "graphonomy",
    "lama-zip",
    "lama-checkpoint",
    "lama-torchscript",
    "ir-se50",
    "interfacegan",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)

#: Folder of the converted files.
PUBLISHED: Final = Path("models/published")

#: In the files of these roles the generator's mean code is one more tensor: (512,) for the generator, else (18, 512).
LATENT_AVG: Final = "latent_avg"
WITH_LATENT_AVG: Final[tuple[Role, ...]] = ("generator", "hfgi", "e4e", "psp")

ROLE_OF: Final[dict[Layout, Role]] = {
    "hfgi": "hfgi",
    "e4e": "e4e",
    "psp": "psp",
    "stylegan2": "generator",
    "graphonomy": "parser",
    "lama-zip": "inpainter",
    "lama-checkpoint": "inpainter",
    "lama-torchscript": "inpainter",
    "ir-se50": "identity",
    "interfacegan": "directions",
}

#: The layout of a file as published, by its name.
LAYOUT_OF: Final[dict[str, Layout]] = {
    "ckpt.pt": "hfgi",
    "e4e_ffhq_encode.pt": "e4e",
    "psp_ffhq_encode.pt": "psp",
    "stylegan2-ffhq-config-f.pt": "stylegan2",
    "inference.pth": "graphonomy",
    "big-lama.zip": "lama-zip",
    "best.ckpt": "lama-checkpoint",
    "big-lama.pt": "lama-torchscript",
    "model_ir_se50.pth": "ir-se50",
    **{f"{attribute}.pt": "interfacegan" for attribute in ATTRIBUTES},
}

#: What a study asks a set of published models for -> the role whose file holds it.
HELD_BY: Final[dict[str, Role]] = {
    "generator": "hfgi",
    "mapping": "hfgi",
    "encoder": "hfgi",
    "consultation": "hfgi",
    "directions": "directions",
    "parser": "parser",
    "inpainter": "inpainter",
}


def converted_file(folder: Path, role: Role) -> Path:
    """Where the converted weights of ``role`` lie; the keys in it are those of our network's state dict."""
    return folder / f"{role}.safetensors"


def provenance_file(folder: Path, role: Role) -> Path:
    """Where it is written which file the converted weights come from."""
    return folder / f"{role}.provenance.json"
