"""Reading the photos of an album, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from unripple.photos import archives
from unripple.photos.decoding import MAX_BYTES, Photo, PhotoRefused, decode_photo, read_photo


def readers(photos: Mapping[str, str], archive: str | Path = "") -> Iterator[tuple[str, Callable[[], Photo]]]:
    """Name and reader of some photos of an ``album.Album``; of an archive in its own order, so that one pass is enough.

    A reader raises what ``images.read_photo`` does.
    """
    if archive:
        names = {member: name for name, member in photos.items()}
        for member, data in archives.contents(Path(archive), names, MAX_BYTES):
            yield names[member], partial(_decoded, data)
    else:
        for name, file in photos.items():
            yield name, partial(_read, Path(file))


def _read(file: Path) -> Photo:
    """One photo; what the system says of a file that cannot be read is its refusal, and the others go on."""
    try:
        return read_photo(file)
    except OSError as error:
        raise PhotoRefused(f"it cannot be read: {error.strerror or error}") from None


def _decoded(data: bytes | None) -> Photo:
    if data is None:
        raise PhotoRefused(f"more than {MAX_BYTES:,} bytes; shrink it first")
    return decode_photo(data)
