"""Reading and writing the pictures of a study; ranges and colour order are decided here once.

Arrays are ``uint8 (H, W, 3)`` RGB. Mattes are ``float32`` in [0, 1] and masks ``bool``; in files both are 8-bit grey
PNG.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unripple.files.atomic import atomic

Rgb = NDArray[np.uint8]
Matte = NDArray[np.float32]
Mask = NDArray[np.bool_]

# OpenCV writes PNG twice as fast as Pillow. Higher levels take longer and save a tenth at most.
_PNG: Final = (cv2.IMWRITE_PNG_COMPRESSION, 2)


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
        raise ValueError(
            f"{path}: not a readable picture ({error}); `unripple verify --repair` makes it again"
        ) from None
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
    in_order = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    _, encoded = cv2.imencode(".png", in_order, _PNG)
    with atomic(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def reduced(rgb: Rgb, size: int) -> Rgb:
    """A square picture at another size, ``uint8 (size, size, 3)``: Pillow's bilinear filter, which is antialiased."""
    if rgb.shape[:2] == (size, size):
        return rgb
    return np.array(Image.fromarray(rgb).resize((size, size), Image.Resampling.BILINEAR))


def reduced_matte(matte: Matte, size: int) -> Matte:
    """A square matte ``float32 (H, W)`` at another size, as `reduced` does it."""
    if matte.shape == (size, size):
        return matte
    resized = np.array(Image.fromarray(matte).resize((size, size), Image.Resampling.BILINEAR))
    return np.clip(resized, 0, 1)


def signed(rgb: Rgb) -> NDArray[np.float32]:
    """``uint8 (H, W, 3)`` -> ``float32`` in [-1, 1]."""
    return rgb.astype(np.float32) / np.float32(127.5) - 1


def levels(rgb: NDArray[np.float32]) -> Rgb:
    """``float32 (H, W, 3)`` in [-1, 1], clipped and rounded -> ``uint8``. Inverse of `signed`."""
    return np.clip(np.round((rgb + 1) * np.float32(127.5)), 0, 255).astype(np.uint8)
