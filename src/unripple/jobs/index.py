"""Index files: what one job made of its photos, and what it could not make.

A job writes the pictures of a photo into a folder and, last, an index beside them: file names with size and checksum,
and for a photo that failed the reason. The index is what the workflow sees; a job that follows takes the photos from
it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from unripple.files.data import write_json
from unripple.jobs import damage, journal
from unripple.jobs.journal import Files
from unripple.photos.decoding import PhotoRefused

V = TypeVar("V")

#: Bytes of a photo's name: file systems take 255, and endings and temporary names need some.
LONGEST_NAME = 225


class BrokenIndex(ValueError):
    """An index or a file that it lists is missing, damaged or changed; the message says which and what to do."""


@dataclass(frozen=True)
class Index:
    """What a stage made: ``made[photo][file name] = {"bytes", "sha256"}`` in ``folder``; ``failed[photo] = reason``."""

    folder: Path
    made: dict[str, Files] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        """The photos that were made, sorted."""
        return iter(sorted(self.made))

    def __contains__(self, photo: object) -> bool:
        return photo in self.made

    def path(self, photo: str, ending: str) -> Path:
        """The file of a photo, for example ``path("face", ".e4e.png")``; ``BrokenIndex`` if it was not made."""
        name = photo + ending
        if name not in self.made.get(photo, {}):
            raise BrokenIndex(f"{self.folder}: expected {name}, which its index does not list; run the stage again")
        return self.folder / name

    def verify(self) -> None:
        """Compare every file with its checksum. Raises ``BrokenIndex`` at the first that differs."""
        for photo in self:
            for name, expected in sorted(self.made[photo].items()):
                check(self.folder / name, expected)


class IndexWriter:
    """Collects what a job makes of its photos.

    A journal tells of each photo as soon as it is finished: what a job of the same record had finished before it was
    killed is taken over.

    Args:
        path: of the index.
        record: how the job makes it, see ``provenance``.
    """

    def __init__(self, path: Path, record: Mapping[str, Any] | None = None) -> None:
        self._path, self._record = path, record
        self._index = Index(path.parent)
        self._earlier = journal.finished(path, record)
        journal.start(path, record, self._earlier)

    def remaining(self, photos: Iterable[str]) -> list[str]:
        """Those photos that are still to be made; the others are taken over."""
        asked = list(photos)
        self._index.made.update({photo: self._earlier[photo] for photo in asked if photo in self._earlier})
        return [photo for photo in asked if photo not in self._earlier]

    @contextmanager
    def photo(self, photo: str) -> Iterator[PhotoFiles]:
        """The files of one photo. If the block refuses it, the reason is recorded and the job goes on."""
        files = PhotoFiles(self._path.parent, photo)
        try:
            yield files
        except PhotoRefused as refusal:
            self.refuse(photo, refusal.reason)
        else:
            self._index.made[photo] = {path.name: journal.facts(path) for path in files.paths}
            journal.note(self._path, photo, self._index.made[photo])

    def refuse(self, photo: str, reason: str) -> None:
        """Record a photo of which nothing can be made."""
        self._index.failed[photo] = reason

    def write(self) -> None:
        """Write the index: the last thing that a job does."""
        content = {"made": self._index.made, "failed": self._index.failed}
        write_json(self._path, content if self._record is None else {**content, "record": self._record})
        journal.path_of(self._path).unlink()


class PhotoFiles:
    """Gives the paths for the files of one photo and remembers them."""

    def __init__(self, folder: Path, photo: str) -> None:
        self._folder = folder
        self._photo = photo
        self.paths: list[Path] = []

    def path(self, ending: str) -> Path:
        """Where to write, for example ``path(".e4e.png")``. Refuses a photo whose name is too long for this."""
        length = len(os.fsencode(self._photo))
        if length > LONGEST_NAME:
            raise PhotoRefused(f"its file name has {length} bytes, at most {LONGEST_NAME} are possible; rename it")
        path = self._folder / (self._photo + ending)
        self.paths.append(path)
        return path


def check(path: Path, expected: Mapping[str, Any]) -> None:
    """Compare a file with what an index or a record keeps of it. Raises ``BrokenIndex`` if it differs."""
    if wrong := damage.differs(path, expected):
        raise BrokenIndex(f"{wrong}; `unripple verify --repair` makes it again")


def read(path: Path) -> Index:
    """Read an index. Raises ``BrokenIndex`` if it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        made, failed = content["made"], content["failed"]
    except FileNotFoundError:
        raise BrokenIndex(f"{path}: no such index; run the stage that makes it") from None
    except (ValueError, KeyError, TypeError):
        raise BrokenIndex(
            f"{path}: expected an index with 'made' and 'failed'; `unripple verify --repair` makes it again"
        ) from None
    return Index(path.parent, made, failed)


def read_all(paths: Iterable[Path]) -> Index:
    """Read the indexes of one folder as one. Raises ``BrokenIndex`` if they lie in several folders."""
    indexes = [read(Path(path)) for path in paths]
    folders = sorted({index.folder for index in indexes})
    if len(folders) != 1:
        raise BrokenIndex(f"expected the indexes of one folder, found {[str(folder) for folder in folders]}")
    return Index(folders[0], _joined(i.made for i in indexes), _joined(i.failed for i in indexes))


def _joined(parts: Iterable[Mapping[str, V]]) -> dict[str, V]:
    return {photo: value for part in parts for photo, value in part.items()}
