"""What an edit moves: an attribute that has a name, or any direction that a file holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from unripple.files.checksum import sha256

#: The attributes that every set of models knows.
ATTRIBUTES: Final = ("pose", "smile", "age")
#: Endings of a direction's file, see `weights.directions`.
ENDINGS: Final = (".pt", ".npy", ".safetensors")

# Digits of the checksum by which a path tells one file from another of the same name.
_DIGITS: Final = 8


def is_named(attribute: str) -> bool:
    """Whether it is one of `ATTRIBUTES`; else it is a file."""
    return attribute in ATTRIBUTES


def checked(attribute: str) -> str:
    """The attribute itself; ``ValueError`` if it is neither a name nor like a file of a direction."""
    if is_named(attribute) or Path(attribute).suffix in ENDINGS:
        return attribute
    raise ValueError(f"expected {', '.join(ATTRIBUTES)} or the file of a direction ({', '.join(ENDINGS)})")


def spelled(attribute: str) -> str:
    """As paths and tables spell it: the name, or that of the file with the first digits of its SHA-256.

    Raises ``OSError`` if the file cannot be read.
    """
    if is_named(attribute):
        return attribute
    file = Path(attribute).expanduser()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', file.stem).strip('-') or 'direction'}-{sha256(file)[:_DIGITS]}"
