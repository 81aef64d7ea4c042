"""Checks and small conversions shared by the metrics."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from unripple.files.pictures import Mask, Rgb

Field = npt.NDArray[np.float32]
#: One picture in few numbers, ``float32 (D,)``.
Vector = npt.NDArray[np.float32]

#: The side, in pixels, at which lengths of the study (radii, widths) are given.
REFERENCE_SIDE = 512


def check_rgb(name: str, rgb: Rgb) -> None:
    """Raise ``ValueError`` unless ``rgb`` is ``uint8 (H, W, 3)``."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(
            f"{name}: expected uint8 (H, W, 3), found {rgb.dtype} {rgb.shape}; read it with images.read_rgb"
        )


def check_pair(a: Rgb, b: Rgb) -> None:
    """Raise ``ValueError`` unless both are pictures of one size."""
    check_rgb("first picture", a)
    check_rgb("second picture", b)
    if a.shape != b.shape:
        raise ValueError(f"pictures: expected one size, found {a.shape} and {b.shape}; resize them before measuring")


def check_mask(mask: Mask, rgb: Rgb) -> None:
    """Raise ``ValueError`` unless ``mask`` is ``bool (H, W)`` of the picture's size."""
    if mask.dtype != np.bool_ or mask.shape != rgb.shape[:2]:
        raise ValueError(f"mask: expected bool {rgb.shape[:2]}, found {mask.dtype} {mask.shape}")


def scaled(pixels: float, shape: tuple[int, ...]) -> float:
    """A length given at ``REFERENCE_SIDE``, in pixels of a picture of this shape."""
    return pixels * min(shape[:2]) / REFERENCE_SIDE


def gradients(rgb: Rgb, sigma: float) -> Field:
    """Gradient of every channel after a Gaussian blur: ``float32 (H, W, 3, 2)``, grey levels per pixel, x then y."""
    smooth = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1, scale=0.5, borderType=cv2.BORDER_REFLECT)
    dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1, scale=0.5, borderType=cv2.BORDER_REFLECT)
    return np.stack((dx, dy), axis=-1)


def mean_over(values: Field, mask: Mask) -> float:
    """Mean of ``values (H, W)`` over ``mask (H, W)``; NaN where the mask is empty."""
    return float(values[mask].mean(dtype=np.float64)) if mask.any() else float("nan")
