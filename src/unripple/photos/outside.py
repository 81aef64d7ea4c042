"""Where a picture that another system made of a photo is looked for.

Standard library only: the start of every run waits for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Endings of pictures, the one that is taken where several lie there first.
ENDINGS: Final = (".png", ".webp", ".jpg", ".jpeg")


def picture_name(attribute: str, degree: float) -> str:
    """How an edit's picture is called, without its ending: ``pose+3``, ``pose-1.5``."""
    return f"{attribute}{degree:+g}"


def find_picture(folder: Path, photo: str, attribute: str, degree: float) -> Path | None:
    """The picture of a photo's edit, ``FOLDER/PHOTO/pose+3.png``; None where there is none."""
    stem = folder / photo / picture_name(attribute, degree)
    # The number may have a dot of its own, which with_suffix would take for an ending's.
    return next((path for ending in ENDINGS if (path := stem.with_name(stem.name + ending)).is_file()), None)
