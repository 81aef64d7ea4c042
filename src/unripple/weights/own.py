"""Networks of one row of the table alone, which only this project trains: no published file becomes one.

A study asks for the file only where ``methods`` has the row. Both sets of models lay it out alike: the keys of the
network, without a prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

#: Row, network and file -> set of models -> where the file comes from.
OWN: Final[dict[str, dict[str, str]]] = {
    "ada_pose": {
        "lite": "`make weights` puts it there, `python -m unripple.training.turns` trains it",
        "published": "no one has published it, `python -m unripple.training.hfgi --misalign pose` trains it"
        " (src/unripple/training/README.md)",
    }
}


def own_file(folder: Path, name: str) -> Path:
    """Where the network of a row lies; ``folder``: of its set of models."""
    return folder / f"{name}.safetensors"


def missing_own(folder: Path, models: str, methods: Sequence[str]) -> list[str]:
    """A sentence for each file that some of ``methods`` need and that is not in the ``folder`` of a set ``models``."""
    files = {name: own_file(folder, name) for name in OWN if name in methods}
    return [
        f"{file}: no such file, and methods has {name}; {OWN[name][models]}; or take {name} out of methods"
        for name, file in files.items()
        if not file.is_file()
    ]
