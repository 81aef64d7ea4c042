"""Which photos a study has, and which shard each is in.

A photo's name is its file's name without the ending. Its shard depends on its name alone, so that one new photo
re-runs one shard.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

#: Names of the known-plate portraits start with this, so that no photo is mistaken for one.
KNOWN_PLATE = "known-plate-"
#: Names of index files have this.
SHARD = "shard~"


class PhotosError(ValueError):
    """The photos of a study cannot be told apart, or there are none; the message says what to do."""


def known_plate_names(count: int) -> list[str]:
    """``known-plate-00``, ``known-plate-01`` and so on."""
    return [f"{KNOWN_PLATE}{number:02d}" for number in range(count)]


def photo_files(folder: Path) -> dict[str, Path]:
    """The files of a folder by photo name, sorted; hidden files and folders are left out.

    An absent folder holds no photos. Two files that differ only in their ending keep it in their names; what cannot be
    printed is spelled out, see `printable`. Whether a file is a picture at all is for `stages.align` to say. Raises
    ``PhotosError`` for names that are taken by the known-plate set or by indexes, or that two files would share.
    """
    if not folder.is_dir():
        return {}
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    stems = Counter(printable(path.stem) for path in files)
    photos: dict[str, Path] = {}
    for path in files:
        stem = printable(path.stem)
        name = stem if stems[stem] == 1 else printable(path.name)
        check_name(name, printable(str(path)))
        if name in photos:
            raise PhotosError(f"{printable(str(path))}: another photo is called '{name}', too; rename one of them")
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


def shard_of(photo: str, shards: int) -> int:
    """The shard, 0 to ``shards - 1``, of a photo."""
    digest = hashlib.sha256(photo.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) % shards


def shard_name(shard: int) -> str:
    """The shard as paths spell it: ``00``, ``01`` and so on."""
    return f"{shard:02d}"


def occupied(photos: Iterable[str], shards: int) -> dict[str, list[str]]:
    """The photos of each shard that has any, by the shard's name; all sorted."""
    filled: dict[str, list[str]] = {}
    for photo in sorted(photos):
        filled.setdefault(shard_name(shard_of(photo, shards)), []).append(photo)
    return dict(sorted(filled.items()))


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
