"""Reading, checking and writing pictures; ranges and colour order are decided here once.

Arrays are ``uint8 (H, W, 3)`` RGB. Tensors are ``float32 (B, 3, H, W)`` in [-1, 1], RGB. Mattes are ``float32``
in [0, 1] and masks ``bool``; in files both are 8-bit grey PNG.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from unripple.signatures import is_heif, unreadable

if TYPE_CHECKING:  # Loaded where they are used: they take seconds, and a photo is read without them.
    import pandas as pd
    from torch import Tensor

Rgb = NDArray[np.uint8]
Matte = NDArray[np.float32]
Mask = NDArray[np.bool_]

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
_PNG_LEVEL: Final = 4
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


def read_rgb(path: Path) -> Rgb:
    """Read a picture that the study wrote: ``uint8 (H, W, 3)``. ``ValueError`` if it is not 8-bit RGB."""
    return _read_exactly(Path(path), "RGB")


def read_mask(path: Path) -> Mask:
    """Read a mask: ``bool (H, W)``. ``ValueError`` if the file holds anything but 0 and 255."""
    grey = _read_exactly(Path(path), "L")
    if not np.isin(grey, (0, 255)).all():
        other = grey[~np.isin(grey, (0, 255))][0]
        raise ValueError(f"{path}: expected a mask with values 0 and 255, found {other}; is it a matte?")
    return np.asarray(grey == 255)


def read_matte(path: Path) -> Matte:
    """Read a soft matte: ``float32 (H, W)`` in [0, 1]."""
    return _read_exactly(Path(path), "L").astype(np.float32) / np.float32(255)


def _read_exactly(path: Path, mode: str) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as picture:
            picture.load()
            found = picture.mode
            if found == mode:
                return np.array(picture)
    except (FileNotFoundError, MemoryError):
        raise
    except Exception as error:  # See read_photo.
        raise ValueError(f"{path}: not a readable picture ({error}); delete it and run again") from None
    raise ValueError(f"{path}: expected an 8-bit picture of mode {mode}, found mode {found}")


def write_rgb(path: Path, rgb: Rgb) -> None:
    """Write ``uint8 (H, W, 3)`` as PNG, atomically; equal pixels give equal bytes."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"{path}: expected uint8 (H, W, 3), found {rgb.dtype} {rgb.shape}")
    _write_png(Path(path), rgb)


def write_mask(path: Path, mask: Mask) -> None:
    """Write ``bool (H, W)`` as grey PNG with values 0 and 255."""
    if mask.dtype != np.bool_ or mask.ndim != 2:
        raise ValueError(f"{path}: expected bool (H, W), found {mask.dtype} {mask.shape}")
    _write_png(Path(path), np.where(mask, np.uint8(255), np.uint8(0)))


def write_matte(path: Path, matte: Matte) -> None:
    """Write a floating-point matte ``(H, W)`` in [0, 1] as grey PNG in steps of 1/255."""
    if not np.issubdtype(matte.dtype, np.floating) or matte.ndim != 2:
        raise ValueError(f"{path}: expected a floating-point (H, W), found {matte.dtype} {matte.shape}")
    if not (matte.min() >= 0 and matte.max() <= 1):
        raise ValueError(f"{path}: expected values in [0, 1], found {matte.min():.3g} to {matte.max():.3g}")
    _write_png(Path(path), np.round(matte * 255).astype(np.uint8))


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    with atomic(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", compress_level=_PNG_LEVEL)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV without its index, numbers with 8 significant digits."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.8g", lineterminator="\n")


def write_json(path: Path, obj: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write JSON with sorted keys. ``ValueError`` for NaN and infinity, which JSON does not have: pass None."""
    try:
        text = json.dumps(obj, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; write None where a number is missing") from None
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as compressed npz; equal arrays give equal bytes (numpy stores no time)."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; move it there, on disk, when the block succeeds.

    A reader sees the old file or the whole new one, also after a crash. Missing folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        _fsync(temporary)
        temporary.replace(path)
        _fsync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_tensor(pictures: Sequence[Rgb]) -> Tensor:
    """``uint8 (H, W, 3)`` of equal size -> ``float32 (B, 3, H, W)`` in [-1, 1]."""
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        raise ValueError(f"expected one or more pictures of one size, found sizes {sorted(shapes)}")
    import torch

    batch = torch.from_numpy(np.stack(pictures))  # (B, H, W, 3)
    return batch.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format) / 127.5 - 1


def to_uint8(rgb: Tensor) -> NDArray[np.uint8]:
    """``float (B, 3, H, W)`` in [-1, 1], clipped and rounded -> ``uint8 (B, H, W, 3)``. Inverse of `to_tensor`."""
    import torch

    levels = ((rgb.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_256(rgb: Tensor) -> Tensor:
    """What HFGI's encoders look at: clamp to [-1, 1], then bilinear to 256x256 *without* antialiasing.

    ``rgb: float (B, 3, H, W)`` -> ``float (B, 3, 256, 256)``.
    """
    from torch.nn import functional as F

    return F.interpolate(rgb.clamp(-1, 1), size=(256, 256), mode="bilinear", align_corners=False)


def resize(picture: Tensor, size: int) -> Tensor:
    """Antialiased bilinear for storage and looking: ``float (B, C, H, W)`` -> ``float (B, C, size, size)``."""
    if picture.shape[-2:] == (size, size):
        return picture
    from torch.nn import functional as F

    return F.interpolate(picture, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
