"""Zip archives from elsewhere: checked before anything is read, and never unpacked by the names that they give."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from unripple.photos.archives import leads_out
from unripple.weights.published.manifest import WeightsError

#: Weights hardly compress: an archive that grows more than this is no archive of weights.
GROWTH: Final = 4
#: Members may grow together by this many bytes in any case, for small files of text.
SLACK: Final = 2**20


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, once its table of contents has been found harmless. Raises ``WeightsError``."""
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_harmful(archive, path)
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise WeightsError(f"{path}: expected a whole zip archive, found {error}; fetch it anew") from error


def extract(path: Path, ending: str, target: Path) -> Path:
    """Write the one member whose path ends with ``ending`` to the file ``target``, and nothing else anywhere.

    Raises ``WeightsError`` for an archive that has no such member or several, or is harmful.
    """
    with opened(path) as archive:
        wanted = [info for info in archive.infolist() if f"/{info.filename}".endswith(f"/{ending}")]
        if len(wanted) != 1:
            found = ", ".join(archive.namelist()[:10]) or "nothing"
            raise WeightsError(f"{path}: expected one member {ending}, found {len(wanted)} among: {found}")
        with archive.open(wanted[0]) as member, target.open("xb") as file:
            shutil.copyfileobj(member, file, 2**22)
    return target


def _refuse_harmful(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    for member in members:
        if leads_out(member.orig_filename):  # as stored: zipfile cuts `filename` at a null byte
            raise WeightsError(f"{path}: refused: its member {member.orig_filename!r} points out of the archive")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise WeightsError(f"{path}: refused: its member {member.filename} is a symbolic link")
        if member.flag_bits & 0x1:
            raise WeightsError(f"{path}: its member {member.filename} is encrypted")
    if len({member.filename for member in members}) < len(members):
        raise WeightsError(f"{path}: refused: a member is there twice")
    packed, unpacked = path.stat().st_size, sum(member.file_size for member in members)
    if unpacked > GROWTH * packed + SLACK:
        raise WeightsError(f"{path}: refused: {packed} bytes would unpack to {unpacked}; weights hardly compress")
