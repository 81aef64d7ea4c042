"""Which photos a study has, and which shard each is in.

A photo's name is its file's name without the ending. Its shard depends on its name alone, so that one new photo
re-runs one shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

#: Names of the known-plate portraits start with this, so that no photo is mistaken for one.
KNOWN_PLATE = "known-plate-"


class PhotosError(ValueError):
    """The photos of a study cannot be told apart, or there are none; the message says what to do."""


def known_plate_names(count: int) -> list[str]:
    """``known-plate-00``, ``known-plate-01`` and so on."""
    return [f"{KNOWN_PLATE}{number:02d}" for number in range(count)]


def photo_files(folder: Path) -> dict[str, Path]:
    """The files of a folder by photo name, sorted; hidden files and folders are left out.

    An absent folder holds no photos. Two files that differ only in their ending keep it in their names. Whether a
    file is a picture at all is for `stages.align` to say. Raises ``PhotosError`` for a name that is taken by the
    known-plate set or cannot be printed (line breaks, broken encodings).
    """
    if not folder.is_dir():
        return {}
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    stems = [path.stem for path in files]
    photos = {path.stem if stems.count(path.stem) == 1 else path.name: path for path in files}
    for name, path in photos.items():
        if name.startswith(KNOWN_PLATE):
            raise PhotosError(f"{path}: names that start with '{KNOWN_PLATE}' are taken; rename the file")
        if not name.isprintable():
            raise PhotosError(f"{str(path)!r}: expected a name of printable characters; rename the file")
    return photos


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
