"""Small pictures as text, for a page that holds them itself."""

from __future__ import annotations

import base64
import io

from PIL import Image

from unripple.files.pictures import Mask, Rgb
from unripple.report.pictures import reduced

QUALITY = 80


def data_uri(rgb: Rgb, side: int, quality: int = QUALITY) -> str:
    """A picture ``uint8 (H, W, 3)`` as WebP inside a URI, reduced to at most ``side`` pixels."""
    return _uri(Image.fromarray(reduced(rgb, side)), quality=quality, method=2)


def mask_uri(mask: Mask, side: int) -> str:
    """A mask ``bool (H, W)`` as grey WebP without loss inside a URI: 255 where it is set, soft at a reduced edge."""
    image = Image.fromarray(mask.astype("uint8") * 255)
    image.thumbnail((side, side), Image.Resampling.BOX)
    return _uri(image, lossless=True, method=2)


def _uri(image: Image.Image, **options: int) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", **options)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
