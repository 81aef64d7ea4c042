"""Archives of photos, read in place: nothing is unpacked, so no name in an archive ever becomes a path."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

#: What a file's name ends with if it is an archive.
ENDINGS: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ERRORS: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    OSError,
    NotImplementedError,
    zlib.error,
    lzma.LZMAError,
)


class ArchiveError(ValueError):
    """An archive is missing, damaged or harmful; the message names it and the member."""


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive that can be read."""
    return path.name.lower().endswith(ENDINGS)


def leads_out(name: str) -> bool:
    """Whether a member's name, taken for a path, would leave the folder into which it is unpacked."""
    path = PurePosixPath(name)
    drive = re.match(r"[A-Za-z]:", name) is not None  # a colon further on stands in names of many cameras and phones
    return path.is_absolute() or drive or ".." in path.parts or any(character in name for character in "\\\0")


def members(path: Path, cache: Path | None = None) -> list[str]:
    """The names of all files in an archive, in its order.

    To list a compressed tar is to unpack it: with a folder ``cache`` the list is kept there as long as the archive has
    the same size and time. Raises ``ArchiveError`` for an archive that is missing or damaged, and for one with a member
    that leads out of it, is a link or a device, or is encrypted.
    """
    if not path.is_file():
        raise ArchiveError(f"{path}: no such archive")
    of_kind = _zip_members if _is_zip(path) else _tar_members
    names: list[str] = _kept(path, cache, "json", lambda: list(of_kind(path)))
    return names


def repeated(path: Path, wanted: Collection[str], cache: Path | None = None) -> dict[str, str]:
    """Wanted members whose content is that of another one, with that one: the first by name.

    A zip archive lists checksums; of a tar those members are read that have the size of another. ``cache`` and errors
    as for `members`.
    """
    of_kind = _zip_marks if _is_zip(path) else _tar_marks
    marks: dict[str, str] = _kept(path, cache, "marks.json", lambda: of_kind(path))
    first: dict[str, str] = {}
    filled = [name for name in sorted(wanted) if not marks[name].startswith("0")]  # Empty ones are refused each.
    return {name: first[marks[name]] for name in filled if first.setdefault(marks[name], name) != name}


def _kept(path: Path, cache: Path | None, ending: str, find: Callable[[], Any]) -> Any:
    """What is found in an archive, from the cache where it was found before."""
    state = path.stat()
    kept = None if cache is None else cache / f"{path.name}.{state.st_size}.{state.st_mtime_ns}.{ending}"
    if kept is not None and kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))
    try:
        found = find()
    except _ERRORS as error:
        raise ArchiveError(f"{path}: expected a whole archive, found a damaged one ({error}); fetch it anew") from error
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}")
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(kept)
    return found


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(".zip")


def _zip_marks(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {member.filename: f"{member.file_size} {member.CRC:08x}" for member in archive.infolist()}


def _tar_marks(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        sizes = {member.name: member.size for member in archive if member.isfile()}
    shared = {size for size, count in Counter(sizes.values()).items() if count > 1}
    marks = {name: str(size) for name, size in sizes.items()}
    if shared:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() and member.size in shared else None
                if file is not None:
                    marks[member.name] = f"{member.size} {hashlib.file_digest(file, 'sha256').hexdigest()}"  # type: ignore[arg-type]
    return marks


def contents(path: Path, wanted: Collection[str], largest: int) -> Iterator[tuple[str, bytes | None]]:
    """Name and content of the wanted members, in the order of the archive; None for one of more bytes than ``largest``.

    Raises ``ArchiveError``.
    """
    try:
        of_kind = _zip_contents if _is_zip(path) else _tar_contents
        yield from of_kind(path, wanted, largest)
    except _ERRORS as error:
        raise ArchiveError(f"{path}: expected a whole archive, found a damaged one ({error}); fetch it anew") from error


def _zip_members(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _refuse(path, member.orig_filename, linked=stat.S_ISLNK(member.external_attr >> 16))
            if member.flag_bits & 0x1:
                raise ArchiveError(f"{path}: its member {member.filename} is encrypted")
            if not member.is_dir():
                yield member.filename


def _tar_members(path: Path) -> Iterator[str]:
    with tarfile.open(path) as archive:
        for member in archive:
            _refuse(path, member.name, linked=not (member.isfile() or member.isdir()))
            if member.isfile():
                yield member.name


def _zip_contents(path: Path, wanted: Collection[str], largest: int) -> Iterator[tuple[str, bytes | None]]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(wanted, key=lambda name: archive.getinfo(name).header_offset):
            yield name, None if archive.getinfo(name).file_size > largest else archive.read(name)


def _tar_contents(path: Path, wanted: Collection[str], largest: int) -> Iterator[tuple[str, bytes | None]]:
    missing = set(wanted)
    with tarfile.open(path) as archive:
        for member in archive:
            if not missing:
                return
            if member.name in missing and member.isfile():
                missing.remove(member.name)
                file = None if member.size > largest else archive.extractfile(member)
                yield member.name, None if file is None else file.read()
    if missing:
        raise ArchiveError(f"{path}: its members {', '.join(sorted(missing)[:5])} are no longer there; run again")


def _refuse(path: Path, name: str, linked: bool) -> None:
    if leads_out(name):
        raise ArchiveError(f"{path}: refused: its member {name!r} points out of the archive")
    if linked:
        raise ArchiveError(f"{path}: refused: its member {name} is a link or a device, not a file")
