"""Decoding anybody's photo: upright, in sRGB, or refused with a reason."""

from __future__ import annotations

import re
import stat
import warnings
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from unripple.files.pictures import Rgb
from unripple.photos.signatures import is_heif, unreadable

#: A photo whose shorter side is below this cannot hold a face that is worth editing at 256 px.
MIN_SIDE: Final = 128
#: The largest file that is read as a photo, in bytes: the most pixels that are taken, 16 bits a channel, uncompressed.
MAX_BYTES: Final = 600_000_000
#: Scans of a JPEG file, each of which is a pass over all its pixels. Progressive ones have about ten.
MAX_SCANS: Final = 100

# Only what cameras and the web produce. Other decoders of Pillow start programs (EPS) or read scientific data.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_HEIF: Final = "HEIF"
_ORIENTATION: Final = 0x0112
# The others say nothing, or that the picture is upright.
_TURNED: Final = range(2, 9)
# TIFF: a reduced copy of a picture that is elsewhere in the file; and the version of Adobe's raw format.
_SUBFILE, _DNG_VERSION = 254, 50706
# JPEG: any marker but those that stand inside the coded pixels (stuffed zeros, restarts, fill bytes).
_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_START_OF_SCAN: Final = b"\xff\xda"
_END_OF_PICTURE: Final = b"\xff\xd9"


class PhotoRefused(ValueError):
    """A photo that cannot be used. ``reason`` says, in a sentence for the user, why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Photo:
    """A photo, upright and in sRGB.

    ``rgb: uint8 (H, W, 3)``; ``notes``: what had to be changed to make it so (rotated, grey, alpha, …).
    """

    rgb: Rgb
    notes: tuple[str, ...] = ()


def read_photo(path: Path) -> Photo:
    """Read anybody's photo: turned upright by its EXIF tag, converted to 8-bit sRGB.

    Grey, 16-bit, CMYK, palette and transparent pictures are converted, and said in ``notes``.

    Raises:
        OSError: there is no such file, or it may not be read.
        PhotoRefused: no picture, truncated, animated or multi-page, too small, a file above `MAX_BYTES`, a JPEG of
            more than `MAX_SCANS` scans, or more pixels than Pillow's ``Image.MAX_IMAGE_PIXELS`` (a decompression
            bomb).
    """
    return decode_photo(_content(Path(path)))


def decode_photo(data: bytes) -> Photo:
    """A photo from the bytes of its file; see `read_photo`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(BytesIO(data), formats=_formats(data)) as opened:
                _refuse_unfit(opened, data)
                deep = _is_deep(opened)
                turned = opened.getexif().get(_ORIENTATION) in _TURNED  # loading may turn the picture, and forget it
                opened.load()
                return _upright_srgb(opened, deep, turned)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise PhotoRefused(
                f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: taken for a decompression bomb; shrink it first"
            ) from None
        except UnidentifiedImageError:
            found = unreadable(data)
            told = f": {found}" if found else ""
            raise PhotoRefused(f"not a picture that can be read (JPEG, PNG, WebP, HEIC, AVIF, …){told}") from None
        except PhotoRefused:
            raise
        except MemoryError:
            raise PhotoRefused("it takes more memory than there is; shrink it first") from None
        except Exception as error:  # Decoders raise whatever damaged bytes lead them to.
            raise PhotoRefused(f"the picture is truncated or damaged ({' '.join(str(error).split())})") from None


def _formats(data: bytes) -> tuple[str, ...]:
    """The decoders to try; that of HEIC is loaded for HEIC only."""
    return (_heif(),) if is_heif(data) else _FORMATS


@cache
def _heif() -> str:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return _HEIF


def _content(path: Path) -> bytes:
    """The bytes of a file; not of a device or a pipe, which may have no end."""
    found = path.stat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):  # Reading tells of folders itself.
        raise PhotoRefused("a device or a pipe, not a file")
    if found.st_size > MAX_BYTES:
        raise PhotoRefused(f"a file of {found.st_size:,} bytes, at most {MAX_BYTES:,} are read; shrink it first")
    return path.read_bytes()


def _refuse_unfit(picture: Image.Image, data: bytes) -> None:
    # A phone's MPO or HEIC holds several views of one photo, of which the photo itself is opened. Frames are not
    # counted: a small file can hold so many that counting takes minutes.
    if picture.format == "TIFF" and (_DNG_VERSION in picture.getexif() or picture.getexif().get(_SUBFILE) == 1):
        raise PhotoRefused("a camera's raw file, of which a preview could be read; export it as JPEG or TIFF")
    if getattr(picture, "is_animated", False) and picture.format not in ("MPO", _HEIF):
        raise PhotoRefused("animated or multi-page; export the frame that you want as one picture")
    if min(picture.size) < MIN_SIDE:
        width, height = picture.size
        raise PhotoRefused(f"too small: {width}x{height} pixels; the shorter side must have at least {MIN_SIDE}")
    if picture.format in ("JPEG", "MPO") and (scans := _scans(data)) > MAX_SCANS:
        raise PhotoRefused(f"a JPEG of more than {MAX_SCANS} scans ({scans}): taken for a decompression bomb")


def _scans(jpeg: bytes) -> int:
    """Scans of a JPEG file: from marker to marker up to its end, so that nothing in metadata is taken for one."""
    at, scans = 0, 0
    while (marker := _MARKER.search(jpeg, at)) and marker[0] != _END_OF_PICTURE:
        scans += marker[0] == _START_OF_SCAN
        at = marker.end() + int.from_bytes(jpeg[marker.end() : marker.end() + 2])
    return scans


def _is_deep(picture: Image.Image) -> bool:
    """16 bits a channel? Asked before decoding: Pillow then reduces colour to 8, and only the raw mode tells."""
    raw_modes = [part for tile in getattr(picture, "tile", ()) for part in np.ravel(np.array(tile[3], dtype=object))]
    return picture.mode.startswith("I") or any(";16" in str(mode) for mode in raw_modes)


def _upright_srgb(picture: Image.Image, deep: bool, turned: bool) -> Photo:
    notes = ["turned upright by its EXIF orientation"] if turned else []
    ImageOps.exif_transpose(picture, in_place=True)  # Photos may be huge: no copies without need.
    upright = picture
    if upright.mode == "F":
        raise PhotoRefused("floating-point pixels, whose range is unknown; export it as an 8-bit picture")
    if deep:
        notes.append("16 bits a channel reduced to 8")
    if upright.mode.startswith("I"):
        upright = _from_16_bit(upright)
    if upright.mode in ("1", "L", "LA"):
        notes.append("grey: the same value in all three channels")
    if upright.mode == "CMYK":
        notes.append("converted from CMYK")
    if upright.has_transparency_data:
        upright, was_transparent = _on_white(upright)
        notes.extend(["transparency put on white"] if was_transparent else [])
    return Photo(np.array(_to_srgb(upright)), tuple(notes))


def _from_16_bit(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture)
    if values.min() < 0 or values.max() > 65535:
        raise PhotoRefused("32-bit grey pixels, whose range is unknown; export it as an 8-bit picture")
    return Image.fromarray(((values.astype(np.int32) + 128) // 257).astype(np.uint8))  # Rounded to the nearest.


def _on_white(picture: Image.Image) -> tuple[Image.Image, bool]:
    """Flatten on white; also say whether anything was transparent at all."""
    with_alpha = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    was_transparent = with_alpha.getchannel("A").getextrema()[0] != 255
    if was_transparent:
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(with_alpha, mask=with_alpha)
    else:
        flat = with_alpha.convert("RGB")
    flat.info["icc_profile"] = picture.info.get("icc_profile")
    return flat, was_transparent


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None  # A damaged or mismatched profile: the plain conversion is closer than no photo.
        if converted is not None:
            return converted
    return picture.convert("RGB")
