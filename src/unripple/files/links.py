"""A folder of links: files of a study under short names. Links are not results: no index lists them."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

#: Which files of the folder are copies, on a disk that takes no links.
COPIES = ".copies"
#: How such a disk says so.
NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}


def show(folder: Path, wanted: Mapping[str, Path]) -> None:
    """Let a folder show files: a relative link for each, so that it may be moved with them; else a copy.

    Links and copies of an earlier call that are no longer wanted go; files that somebody else put there stay.

    Args:
        folder: is made where it is absent.
        wanted: path in the folder -> file.

    Raises:
        OSError: the folder takes neither links nor copies.
    """
    copies = _copies(folder)
    for path in _shown(folder, copies):
        if str(path.relative_to(folder)) not in wanted:
            path.unlink(missing_ok=True)
    copied = [name for name, file in wanted.items() if not _show(folder / name, file)]
    folder.mkdir(parents=True, exist_ok=True)
    if copied:
        (folder / COPIES).write_text("".join(f"{name}\n" for name in copied), encoding="utf-8")
    else:
        (folder / COPIES).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()


def followed(path: Path) -> Path:
    """The file that a link shows, by a path through the folders that the link's own path names; any other as it is."""
    return Path(os.path.normpath(path.parent / path.readlink())) if path.is_symlink() else path


def _copies(folder: Path) -> list[str]:
    try:
        return (folder / COPIES).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _shown(folder: Path, copies: list[str]) -> list[Path]:
    """What an earlier call has put there."""
    found = [Path(place, name) for place, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [*(path for path in found if path.is_symlink()), *(folder / name for name in copies)]


def _show(path: Path, file: Path) -> bool:
    """Whether a link could be made; else the file is copied."""
    target = os.path.relpath(file, path.parent)
    if path.is_symlink() and str(path.readlink()) == target:
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(4)}.tmp")  # which the next run removes, should this one be killed
    try:
        temporary.symlink_to(target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copyfile(file, temporary)
        temporary.replace(path)
        return False
    temporary.replace(path)
    return True
