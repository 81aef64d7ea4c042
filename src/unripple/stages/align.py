"""From a photo to the portrait that the networks know, and back.

The crop is FFHQ's (Karras, Laine and Aila, CVPR 2019, appendix A): a square that follows eyes and mouth, turned with
the head. Points are continuous: pixel ``i`` covers ``i`` to ``i + 1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.faces import FaceMeter, Landmarks
from unripple.files.pictures import Rgb
from unripple.images import PhotoRefused

Transform = NDArray[np.float64]

#: A crop whose side is shorter than this in the photo has no detail that the encoders (256 px) could keep.
MIN_CROP: Final = 128
#: Width of the soft edge of a paste, as a share of the portrait's side.
PASTE_FEATHER: Final = 1 / 16
# FFHQ: how far beyond the photo the mirrored part takes to fade, and the blur there, as shares of the crop's side.
_FADE: Final = 0.3
_BLUR: Final = 0.02
_HALF: Final = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])


@dataclass(frozen=True)
class Aligned:
    """A portrait and where it came from.

    ``rgb: uint8 (S, S, 3)``; ``transform: float64 (3, 3)``, homogeneous, portrait point -> photo point;
    ``notes``: what the reader should know of it.
    """

    rgb: Rgb
    transform: Transform
    notes: tuple[str, ...] = ()


def align(photo: Rgb, meter: FaceMeter, size: int = 1024) -> Aligned:
    """Crop the largest face as FFHQ does.

    Args:
        photo: ``uint8 (H, W, 3)`` RGB, upright.
        meter: finds the face.
        size: side of the portrait.

    Raises:
        PhotoRefused: no face, or one that is too small.
    """
    boxes = meter.detect(photo, thorough=True)
    if not boxes:
        raise PhotoRefused("no face found; the face must be seen from the front or half from the side")
    notes = [f"{len(boxes)} faces found: the largest is taken"] if len(boxes) > 1 else []
    transform = ffhq_transform(meter.landmarks(photo, boxes[0]), size)
    side = _scale(transform) * size
    if side < MIN_CROP:
        raise PhotoRefused(
            f"the face is too small: its crop is {side:.0f} pixels wide, at least {MIN_CROP} are needed; "
            "take a larger copy of the photo"
        )
    rgb, beyond = _crop(photo, transform, size)
    if beyond > 0.02:
        notes.append(f"{beyond:.0%} of the portrait lies beyond the photo and is mirrored")
    return Aligned(rgb, transform, tuple(notes))


def already_aligned(photo: Rgb, size: int = 1024) -> Aligned:
    """Take a photo for the portrait: pictures of FFHQ and CelebA-HQ are such crops already.

    Args:
        photo: ``uint8 (S, S, 3)`` RGB.
        size: side of the portrait.

    Raises:
        PhotoRefused: not square, or too small.
    """
    height, width = photo.shape[:2]
    if height != width or width < MIN_CROP:
        raise PhotoRefused(
            f"{width}x{height} pixels: expected a square of at least {MIN_CROP}, as aligned photos are;"
            " with study.aligned = false any photo is aligned"
        )
    notes = () if width == size else (f"aligned already; resized from {width} to {size}",)
    interpolation = cv2.INTER_AREA if width > size else cv2.INTER_CUBIC
    rgb = photo if width == size else cv2.resize(photo, (size, size), interpolation=interpolation)
    return Aligned(np.asarray(rgb, dtype=np.uint8), np.diag([width / size, width / size, 1.0]), notes)


def ffhq_transform(landmarks: Landmarks, size: int) -> Transform:
    """The similarity that takes points of the portrait to points of the photo, ``float64 (3, 3)``."""
    points = landmarks + 0.5  # Landmarks name pixels, and mean their centres.
    right_eye, left_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    eyes, mouth = (right_eye + left_eye) / 2, points[[48, 54]].mean(axis=0)
    eye_to_eye, eye_to_mouth = left_eye - right_eye, mouth - eyes
    # Across the face, the mean of what the eyes and (turned by a right angle) the way to the mouth say.
    across = eye_to_eye + np.array([eye_to_mouth[1], -eye_to_mouth[0]])
    across /= np.hypot(*across)
    across *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)  # Half a side of the square.
    down = np.array([-across[1], across[0]])
    corner = eyes + 0.1 * eye_to_mouth - across - down
    return np.array(
        [
            [2 * across[0] / size, 2 * down[0] / size, corner[0]],
            [2 * across[1] / size, 2 * down[1] / size, corner[1]],
            [0.0, 0.0, 1.0],
        ]
    )


def paste_back(photo: Rgb, portrait: Rgb, transform: Transform, weight: NDArray[np.float32] | None = None) -> Rgb:
    """Put an edited portrait where it came from. Outside its square the photo stays bit-equal.

    Args:
        photo: ``uint8 (H, W, 3)``, the photo that was aligned.
        portrait: ``uint8 (S, S, 3)``.
        transform: of `Aligned`.
        weight: ``float32 (S, S)`` in [0, 1], how much of the portrait is wanted; all of it by default. The edge of
            the square always fades over `PASTE_FEATHER`.
    """
    size = len(portrait)
    if portrait.shape != (size, size, 3):
        raise ValueError(f"portrait: expected a square (S, S, 3), found {portrait.shape}")
    left, top, right, bottom = _bounds(transform, size)
    left, top, right, bottom = max(0, left), max(0, top), min(photo.shape[1], right), min(photo.shape[0], bottom)
    pasted = photo.copy()
    if left >= right or top >= bottom:
        return pasted
    wanted = np.ones((size, size), np.float32) if weight is None else weight
    from_window: Transform = np.linalg.inv(transform) @ np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
    layer = np.dstack([portrait.astype(np.float32), wanted])
    layer, to_layer = _shrunk(layer, from_window, _scale(transform))
    warped = _warp(layer, to_layer, (right - left, bottom - top), cv2.BORDER_REPLICATE)
    alpha = np.clip(warped[..., 3:], 0, 1) * _fade_to_edge(from_window, (bottom - top, right - left), size)
    behind = photo[top:bottom, left:right]
    mixed = np.round(behind + alpha * (warped[..., :3] - behind))
    pasted[top:bottom, left:right] = np.clip(mixed, 0, 255).astype(np.uint8)
    return pasted


def _crop(photo: Rgb, transform: Transform, size: int) -> tuple[Rgb, float]:
    """The portrait, and the share of it that lies beyond the photo."""
    window, to_window = _window(photo, transform, size)
    source, to_source = _shrunk(window.astype(np.float32), to_window, 1 / _scale(transform))
    inside = _warp(source, to_source, (size, size), cv2.BORDER_REFLECT_101)
    # How far each point of the portrait lies beyond the photo, in sides of the square.
    x, y = _points(transform, (size, size))
    height, width = photo.shape[:2]
    past_x, past_y = (np.maximum(np.maximum(-at, at - extent), 0) for at, extent in ((x, width), (y, height)))
    past = np.hypot(past_x, past_y) / (_scale(transform) * size)
    beyond = float((past > 0).mean())
    if beyond:
        # As FFHQ: blur what is mirrored, and let it fade to the photo's median colour.
        fade = np.clip(past / _FADE, 0, 1).astype(np.float32)[..., None]
        blurred = cv2.GaussianBlur(inside, (0, 0), _BLUR * size)
        inside += np.clip(3 * fade, 0, 1) * (blurred - inside)
        inside += fade * (np.median(inside, axis=(0, 1)).astype(np.float32) - inside)
    return np.clip(np.round(inside), 0, 255).astype(np.uint8), beyond


def _window(photo: Rgb, transform: Transform, size: int) -> tuple[Rgb, Transform]:
    """The part of the photo that the square shows, and what it mirrors: photos may be huge."""
    height, width = photo.shape[:2]
    left, top, right, bottom = _bounds(transform, size)
    margin = max(-left, -top, right - width, bottom - height, 0) + 8
    left, top = max(0, left - margin), max(0, top - margin)
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    return photo[top : bottom + margin, left : right + margin], shift @ transform


def _shrunk(
    picture: NDArray[np.float32], to_picture: Transform, factor: float
) -> tuple[NDArray[np.float32], Transform]:
    """Shrink before a warp that would skip pixels; ``factor`` at 1 or above leaves the picture as it is."""
    if factor >= 1:
        return picture, to_picture
    height, width = picture.shape[:2]
    new_width, new_height = max(1, round(width * factor)), max(1, round(height * factor))
    small = np.asarray(cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_AREA), dtype=np.float32)
    return small, np.diag([new_width / width, new_height / height, 1.0]) @ to_picture


def _warp(
    picture: NDArray[np.float32], to_picture: Transform, shape: tuple[int, int], border: int
) -> NDArray[np.float32]:
    """Sample ``picture``; ``shape`` is (width, height) and ``to_picture`` takes points of the result to its points."""
    pixels = np.linalg.inv(_HALF) @ to_picture @ _HALF  # OpenCV's points are centres of pixels.
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(picture, pixels, shape, flags=flags, borderMode=border), dtype=np.float32)


def _scale(transform: Transform) -> float:
    """Photo pixels per portrait pixel."""
    return float(np.sqrt(abs(np.linalg.det(transform[:2, :2]))))


def _bounds(transform: Transform, size: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the square in the photo; may lie beyond it."""
    corners = transform @ np.array([[0, size, size, 0], [0, 0, size, size], [1, 1, 1, 1]])
    x, y = corners[:2] / corners[2]
    return int(np.floor(x.min())), int(np.floor(y.min())), int(np.ceil(x.max())), int(np.ceil(y.max()))


def _points(transform: Transform, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the centres of a picture's pixels go: x and y, each ``(H, W)``; ``shape`` is (height, width)."""
    x, y = np.arange(shape[1])[None, :] + 0.5, np.arange(shape[0])[:, None] + 0.5
    to_x, to_y = (transform[row, 0] * x + transform[row, 1] * y + transform[row, 2] for row in (0, 1))
    return to_x, to_y


def _fade_to_edge(from_window: Transform, shape: tuple[int, int], size: int) -> NDArray[np.float32]:
    """1 inside the portrait, 0 from its edge on, a smooth step between: ``(H, W, 1)`` for a window of the photo."""
    fade = np.ones((*shape, 1))
    for at in _points(from_window, shape):
        step = np.clip(np.minimum(at, size - at) / (PASTE_FEATHER * size), 0, 1)[..., None]
        fade *= step * step * (3 - 2 * step)
    return fade.astype(np.float32)
