"""Which converted file each published model becomes: the names that converters write and model sets read."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

Role = Literal["generator", "hfgi", "e4e", "psp", "parser", "inpainter", "identity", "directions"]
Layout = Literal[
    "stylegan2",
    "hfgi",
    "e4e",
    "psp",
    "graphonomy",
    "lama_zip",
    "lama_checkpoint",
    "lama_torchscript",
    "ir_se50",
    "interfacegan",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)

#: Converted files lie in ``FOLDER``, the files as their authors published them in its ``ORIGINALS``.
FOLDER: Final = Path("models/published")
ORIGINALS: Final = "originals"
LOCK: Final = "weights.lock.json"

#: In the files of these roles the generator's mean code is one more tensor: (18, 512), or (512,) for the generator.
LATENT_AVG: Final = "latent_avg"
WITH_LATENT_AVG: Final[tuple[Role, ...]] = ("generator", "hfgi", "e4e", "psp")

#: Keys of the directions' file, each ``float32 (512,)`` of norm 1.
ATTRIBUTES: Final = ("pose", "smile", "age")

ROLE_OF: Final[dict[Layout, Role]] = {
    "stylegan2": "generator",
    "hfgi": "hfgi",
    "e4e": "e4e",
    "psp": "psp",
    "graphonomy": "parser",
    "lama_zip": "inpainter",
    "lama_checkpoint": "inpainter",
    "lama_torchscript": "inpainter",
    "ir_se50": "identity",
    "interfacegan": "directions",
}


def converted_file(folder: Path, role: Role) -> Path:
    """Where the converted weights of ``role`` lie; the keys in it are those of our network's state dict."""
    return folder / f"{role}.safetensors"


def provenance_file(folder: Path, role: Role) -> Path:
    """Where it is written which file the converted weights come from."""
    return folder / f"{role}.provenance.json"
