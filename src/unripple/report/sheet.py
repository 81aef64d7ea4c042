"""A white sheet on which pictures and captions are laid out."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from unripple.files.pictures import Rgb

PAPER = (255, 255, 255)
INK = (28, 28, 32)
FAINT = (120, 120, 128)


@lru_cache(maxsize=8)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it, so that sheets look alike on every machine."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("DejaVuSans.ttf: expected in the package matplotlib, which is missing; install it")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name, size)


class Sheet:
    """A drawing surface; positions are pixels from the top left, x before y."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def picture(self, rgb: Rgb, x: int, y: int, side: int) -> None:
        """Lay a picture ``uint8 (H, W, 3)`` into the square of this side."""
        self._image.paste(Image.fromarray(rgb).resize((side, side), Image.Resampling.LANCZOS), (x, y))

    def text(self, words: str, x: int, y: int, size: int, *, bold: bool = False, faint: bool = False) -> None:
        """Write from ``x`` on, centred vertically on ``y``."""
        self._draw.text((x, y), words, FAINT if faint else INK, font(size, bold), anchor="lm")

    def heading(self, words: str, x: int, y: int, width: int, size: int, *, bold: bool = False) -> None:
        """Write centred in ``width`` pixels from ``x`` on, smaller where it would not fit."""
        while size > 6 and font(size, bold).getlength(words) > width:
            size -= 1
        self._draw.text((x + width / 2, y), words, INK, font(size, bold), anchor="mm")

    def rgb(self) -> Rgb:
        """The sheet as ``uint8 (H, W, 3)``."""
        return np.asarray(self._image, dtype=np.uint8).copy()
