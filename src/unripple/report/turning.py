"""A head at several degrees: on one sheet, or as a short clip that turns forth and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from unripple.files.atomic import atomic
from unripple.files.pictures import Rgb
from unripple.report.sheet import Sheet

#: Pictures a second of a clip, and the side of its picture.
RATE: Final = 8
CLIP_SIDE: Final = 720
_SIDE, _LINE, _GAP, _COLUMNS = 320, 34, 10, 7


def contact_sheet(portrait: Rgb, turned: Mapping[float, Rgb]) -> Rgb:
    """The portrait, then the cleaned edits from the lowest degree on, seven to a line."""
    cells = [("portrait", portrait), *((f"{degree:+g}", turned[degree]) for degree in sorted(turned))]
    columns = min(len(cells), _COLUMNS)
    rows = -(-len(cells) // columns)
    sheet = Sheet(columns * (_SIDE + _GAP) + _GAP, rows * (_SIDE + _LINE) + _GAP)
    for at, (caption, picture) in enumerate(cells):
        row, column = divmod(at, columns)
        x, y = _GAP + column * (_SIDE + _GAP), row * (_SIDE + _LINE)
        sheet.heading(caption, x, y + _LINE // 2, _SIDE, 18)
        sheet.picture(picture, x, y + _LINE, _SIDE)
    return sheet.rgb()


def forth_and_back(turned: Mapping[float, Rgb]) -> list[Rgb]:
    """The frames of a clip that can be repeated without a jump."""
    frames = [turned[degree] for degree in sorted(turned)]
    return [*frames, *frames[-2:0:-1]]


def write_clip(folder: Path, frames: Sequence[Rgb]) -> Path:
    """Write ``turning.mp4`` where OpenCV can encode it, else ``turning.webp``; frames ``uint8 (S, S, 3)``."""
    size = (CLIP_SIDE, CLIP_SIDE)
    small = [np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in frames]
    folder.mkdir(parents=True, exist_ok=True)
    film = folder / "turning.mp4"
    if _encoded(film, small):
        return film
    film.unlink(missing_ok=True)
    with atomic(folder / "turning.webp") as part:
        first, *others = (Image.fromarray(frame) for frame in small)
        first.save(part, "WEBP", save_all=True, append_images=others, duration=round(1000 / RATE), loop=0, quality=85)
    return folder / "turning.webp"


def _encoded(film: Path, frames: Sequence[Rgb]) -> bool:
    """Whether OpenCV has written all frames as MPEG-4; only the file tells, as it reports no errors."""
    size = (CLIP_SIDE, CLIP_SIDE)
    writer = cv2.VideoWriter(str(film), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), RATE, size)
    if not writer.isOpened():
        return False
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    reader = cv2.VideoCapture(str(film))
    written = int(reader.get(cv2.CAP_PROP_FRAME_COUNT))
    reader.release()
    return written == len(frames)
