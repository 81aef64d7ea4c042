"""The files of a folder of photos, and those that cannot be taken, each with its reason.

Snakemake asks this anew inside every job on a cluster: nothing here loads torch.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from typing import Final, TypeVar

from unripple.files.checksum import sha256

K = TypeVar("K", bound=PurePath)

#: What the name of a photo ends with. In a folder every file counts, in an archive only these.
PICTURES: Final = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"),
    *(".heic", ".heif", ".hif", ".avif"),
)
# Bytes at a file's end that are compared before all of them are.
_TAIL: Final = 4096


def scan(folder: Path, below: bool = True) -> tuple[list[PurePath], dict[str, str]]:
    """The files of a folder, relative to it, and what was found but cannot be taken: file -> reason.

    Hidden files and folders count only if their names are those of photos. Folders below count with ``below``.
    """
    files: list[PurePath] = []
    left_out: dict[str, str] = {}
    for path in _walk(folder, below, left_out):
        relative, reason = path.relative_to(folder), _unfit(path)
        if reason is None:
            files.append(relative)
        elif reason:
            left_out[str(relative)] = reason
    return files, left_out


def repeated(files: Iterable[Path]) -> dict[Path, Path]:
    """Files whose content is that of another one, with that one: the first by path. Few are read: sizes and ends tell
    most apart."""
    groups: list[list[Path]] = [sorted(file for file in files if _size(file))]  # Empty ones are refused each.
    for key in (_size, _tail, sha256):
        groups = [part for group in groups for part in alike(group, key)]
    return {path: group[0] for group in groups for path in group[1:]}


def alike(group: Iterable[K], key: Callable[[K], object]) -> Iterator[list[K]]:
    """The parts of a group whose members have one key; only those of several members."""
    parts: dict[object, list[K]] = defaultdict(list)
    for one in group:
        parts[key(one)].append(one)
    return (part for part in parts.values() if len(part) > 1)


def is_picture(member: PurePath) -> bool:
    """Whether a path inside an archive or below a folder is that of a photo: no hidden file, no Mac's resource fork."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in member.parts)
    return not hidden and member.suffix.lower() in PICTURES


def _walk(folder: Path, below: bool, left_out: dict[str, str]) -> Iterator[Path]:
    def unread(error: OSError) -> None:
        name = str(Path(error.filename).relative_to(folder))
        left_out[name] = f"a folder that cannot be read: {error.strerror}"

    for where, folders, names in os.walk(folder, onerror=unread):
        for name in list(folders):
            path = Path(where, name)
            if name.startswith("."):
                folders.remove(name)
            elif path.is_symlink() or not below:
                folders.remove(name)
                left_out[str(path.relative_to(folder))] = "a folder below; name it as study.photos, or move its photos"
        yield from (Path(where, name) for name in names)


def _unfit(path: Path) -> str | None:
    """Why a file cannot be taken; empty where nothing needs to be said."""
    if path.name.startswith("."):
        photo = path.suffix.lower() in PICTURES and not path.name.startswith("._")
        return "a hidden file; take the dot from its name" if photo else ""
    if path.is_symlink() and not path.exists():
        return f"a link to {path.readlink()}, which is not there; copy the photo here"
    if not path.is_file():
        return "a device or a pipe, not a file"
    if not os.access(path, os.R_OK):
        return "it may not be read: its permissions forbid it; chmod u+r"
    return None


def _size(path: Path) -> int:
    return path.stat().st_size


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read(_TAIL)
