"""Edits that another system made: found by photo and degree, checked, brought to the study's size."""

from __future__ import annotations

from pathlib import Path

from unripple.files.pictures import Rgb, reduced
from unripple.photos.decoding import PhotoRefused, read_photo
from unripple.photos.outside import ENDINGS


def read_edit(file: Path | None, wanted: str, size: int) -> Rgb:
    """An edit's picture, reduced to ``uint8 (size, size, 3)``.

    Args:
        file: where it was found; None where it was not.
        wanted: where it was looked for, for the message.
        size: of the study's pictures.

    Raises:
        PhotoRefused: there is none, it cannot be read, is no square or smaller than the study's pictures.
    """
    if file is None:
        raise PhotoRefused(f"{wanted}: no such picture ({', '.join(ENDINGS)})")
    try:
        rgb = read_photo(file).rgb
    except PhotoRefused as refused:
        raise PhotoRefused(f"{file}: {refused.reason}") from None
    height, width = rgb.shape[:2]
    if height != width or height < size:
        raise PhotoRefused(f"{file}: expected a square of {size} x {size} pixels or more, found {width} x {height}")
    return reduced(rgb, size)
