"""Names of photos: their files' without the ending, told apart where two would share one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
from typing import TypeVar

P = TypeVar("P", bound=PurePath)

#: Names of the known-plate portraits start with this, so that no photo is mistaken for one.
KNOWN_PLATE = "known-plate-"
#: Names of index files have this.
SHARD = "shard~"


class PhotosError(ValueError):
    """The photos of a study cannot be told apart, or there are none; the message says what to do."""


def known_plate_names(count: int) -> list[str]:
    """``known-plate-00``, ``known-plate-01`` and so on."""
    return [f"{KNOWN_PLATE}{number:02d}" for number in range(count)]


def named(paths: Iterable[P], place: str) -> dict[str, P]:
    """Photos by name: the file's without the ending, with it where another differs only there, and with its folders
    (``+`` between them) where others below have the same; sorted by path. What cannot be printed is spelled out, see
    `printable`.

    ``place``: where the paths are relative to, for messages. Raises ``PhotosError`` for names that are taken by the
    known-plate set or by indexes, or that two files would share.
    """
    ordered = sorted(paths)
    stems = Counter(printable(path.stem) for path in ordered)
    names = Counter(printable(path.name) for path in ordered)
    photos: dict[str, P] = {}
    for path in ordered:
        name = printable(path.stem)
        if stems[name] > 1:
            name = printable(path.name)
        if names[name] > 1:
            name = printable("+".join(path.parts))
        told = printable(f"{place}{path}")
        check_name(name, told)
        if name in photos:
            other = printable(str(photos[name]))
            raise PhotosError(f"{told}: another photo is called '{name}', too: {other}; rename one of them")
        photos[name] = path
    return photos


def check_name(name: str, file: str) -> None:
    """Raise ``PhotosError`` for a name that no photo may have; ``file`` is where it comes from."""
    if name.startswith(KNOWN_PLATE) or SHARD in name:
        raise PhotosError(
            f"{file}: names that start with '{KNOWN_PLATE}' or have a '{SHARD}' are taken; rename the file"
        )


def printable(text: str) -> str:
    """A name that can be printed and written anywhere: line breaks, odd spaces, marks that turn the direction of
    writing and broken encodings become their bytes in hexadecimal, ``%0A``."""
    spelled = (one if one.isprintable() else "".join(f"%{byte:02X}" for byte in os.fsencode(one)) for one in text)
    return "".join(spelled)
