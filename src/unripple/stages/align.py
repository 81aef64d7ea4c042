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

from unripple.detectors.blazeface import FaceSeeker
from unripple.detectors.crop import MIN_CROP, Transform, crop_side, ffhq_transform, scale_of
from unripple.detectors.crowd import Crowd, look
from unripple.detectors.dlib_faces import FaceMeter, Landmarks
from unripple.files.pictures import Rgb
from unripple.photos.decoding import PhotoRefused

# A crop's side is known to a few per cent: one of `MIN_CROP` must not be refused.
_EXACT: Final = 0.95
#: What is said of a photo by the quarters by which it was turned to the left.
TURNED: Final = {
    1: "it lay on its side: turned to the left by 90 degrees",
    2: "it stood on its head: turned by 180 degrees",
    3: "it lay on its side: turned to the right by 90 degrees",
}
#: Of more faces than this only the first are listed.
MOST_TOLD: Final = 12
#: Width of the soft edge of a paste, as a share of the portrait's side.
PASTE_FEATHER: Final = 1 / 16
# FFHQ: how far beyond the photo the mirrored part takes to fade, and the blur there, as shares of the crop's side.
_FADE: Final = 0.3
_BLUR: Final = 0.02
#: Whether something holds of the left, upper, right and lower side of the square.
Sides = tuple[bool, bool, bool, bool]
NO_SIDE: Final[Sides] = (False, False, False, False)
_HALF: Final = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])


@dataclass(frozen=True)
class Aligned:
    """A portrait and where it came from.

    ``rgb: uint8 (S, S, 3)``; ``transform: float64 (3, 3)``, homogeneous, portrait point -> point of the photo as it was
    given, turned by ``turns`` quarters to the left; ``notes``: what the reader should know of it.
    """

    rgb: Rgb
    transform: Transform
    notes: tuple[str, ...] = ()
    turns: int = 0


def align(
    photo: Rgb, meter: FaceMeter, size: int = 1024, *, seeker: FaceSeeker | None = None, face: int | None = None
) -> Aligned:
    """Crop the largest face as FFHQ does, or another one.

    Args:
        photo: ``uint8 (H, W, 3)`` RGB.
        meter: finds faces that are large enough, upright and turned by up to half a profile.
        size: side of the portrait.
        seeker: finds others where the meter finds none.
        face: which one, counted from the left from 1 on. With it every face is looked for, 0 is the largest.

    Raises:
        PhotoRefused: no face, none of that number, or one that is too small.
    """
    crowd = look(photo, meter, seeker or FaceSeeker(), everyone=face is not None)
    landmarks, notes = _chosen(crowd, face or 0)
    transform = ffhq_transform(landmarks, size)
    side = scale_of(transform) * size
    if side < MIN_CROP * _EXACT:
        raise PhotoRefused(
            f"the face is too small: its crop is {side:.0f} pixels wide, at least {MIN_CROP} are needed; "
            "take a larger copy of the photo"
        )
    rgb, beyond = _crop(crowd.photo, transform, size)
    if beyond > 0.02:
        notes.append(f"{beyond:.0%} of the portrait lies beyond the photo and is mirrored")
    return Aligned(rgb, transform, tuple(notes), crowd.turns)


def _chosen(crowd: Crowd, face: int) -> tuple[Landmarks, list[str]]:
    """The landmarks of the face of that number, of the largest for 0, and what to tell."""
    if not crowd.faces:
        raise PhotoRefused(
            f"no face found; looked for faces whose crop has {MIN_CROP} pixels or more, turned to the side by up to 60"
            " degrees, in every position: crop the photo around the head, upright, with eyes, nose and mouth uncovered"
        )
    notes = [TURNED[crowd.turns]] if crowd.turns else []
    numbers = crowd.numbers()
    if face > len(numbers):
        raise PhotoRefused(f"face {face}: {_counted(crowd)}")
    at = numbers.index(face) if face else 0
    if len(numbers) > 1:
        taken = f"number {numbers[at]}" if face else f"the largest, number {numbers[at]},"
        notes.append(f"{_counted(crowd)}; {taken} is taken")
    return crowd.faces[at], notes


def _counted(crowd: Crowd) -> str:
    """How many faces there are, and where from left to right."""
    if len(crowd.faces) == 1:
        return "1 face found"
    told = []
    for number, at in sorted((number, at) for at, number in enumerate(crowd.numbers())):
        x, y = crowd.faces[at].mean(axis=0)
        told.append(f"{number} at x {x:.0f}, y {y:.0f} ({crop_side(crowd.faces[at]):.0f} px)")
    shown = told if len(told) <= MOST_TOLD else [*told[:MOST_TOLD], "…"]
    return f"{len(told)} faces found, from the left: {', '.join(shown)}"


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


def paste_back(photo: Rgb, portrait: Rgb, transform: Transform, weight: NDArray[np.float32] | None = None) -> Rgb:
    """Put an edited portrait where it came from. Outside its square the photo stays bit-equal.

    Where less of the photo than `PASTE_FEATHER` lies beyond a side, the portrait goes on to the photo's border: a strip
    of an old head would be left there, and nothing to join.

    Args:
        photo: ``uint8 (H, W, 3)``, the photo that was aligned, turned as it was (`Aligned`).
        portrait: ``uint8 (S, S, 3)``.
        transform: of `Aligned`.
        weight: ``float32 (S, S)`` in [0, 1], how much of the portrait is wanted; all of it by default. The other
            sides of the square always fade over `PASTE_FEATHER`.
    """
    size = len(portrait)
    if portrait.shape != (size, size, 3):
        raise ValueError(f"portrait: expected a square (S, S, 3), found {portrait.shape}")
    free = _at_border(transform, size, photo.shape)
    left, top, right, bottom = _bounds(transform, size, free)
    left, top, right, bottom = max(0, left), max(0, top), min(photo.shape[1], right), min(photo.shape[0], bottom)
    pasted = photo.copy()
    if left >= right or top >= bottom:
        return pasted
    wanted = np.ones((size, size), np.float32) if weight is None else weight
    from_window: Transform = np.linalg.inv(transform) @ np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
    layer = np.dstack([portrait.astype(np.float32), wanted])
    layer, to_layer = _shrunk(layer, from_window, scale_of(transform))
    warped = _warp(layer, to_layer, (right - left, bottom - top), cv2.BORDER_REPLICATE)
    alpha = np.clip(warped[..., 3:], 0, 1) * _fade_to_edge(from_window, (bottom - top, right - left), size, free)
    behind = photo[top:bottom, left:right]
    mixed = np.round(behind + alpha * (warped[..., :3] - behind))
    pasted[top:bottom, left:right] = np.clip(mixed, 0, 255).astype(np.uint8)
    return pasted


def _crop(photo: Rgb, transform: Transform, size: int) -> tuple[Rgb, float]:
    """The portrait, and the share of it that lies beyond the photo."""
    window, to_window = _window(photo, transform, size)
    source, to_source = _shrunk(window.astype(np.float32), to_window, 1 / scale_of(transform))
    inside = _warp(source, to_source, (size, size), cv2.BORDER_REFLECT_101)
    # How far each point of the portrait lies beyond the photo, in sides of the square.
    x, y = _points(transform, (size, size))
    height, width = photo.shape[:2]
    past_x, past_y = (np.maximum(np.maximum(-at, at - extent), 0) for at, extent in ((x, width), (y, height)))
    past = np.hypot(past_x, past_y) / (scale_of(transform) * size)
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


def _bounds(transform: Transform, size: int, free: Sides = NO_SIDE) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the square in the photo, wider where a side is free; may lie beyond it."""
    left, top, right, bottom = (PASTE_FEATHER * size * side for side in free)
    corners = transform @ np.array(
        [
            [-left, size + right, size + right, -left],
            [-top, -top, size + bottom, size + bottom],
            [1, 1, 1, 1],
        ]
    )
    x, y = corners[:2] / corners[2]
    return int(np.floor(x.min())), int(np.floor(y.min())), int(np.ceil(x.max())), int(np.ceil(y.max()))


def _at_border(transform: Transform, size: int, shape: tuple[int, ...]) -> Sides:
    """Of each side of the square whether `PASTE_FEATHER` beyond it there is no photo any more."""
    along, beyond = np.linspace(0, size, 9), np.full(9, PASTE_FEATHER * size)
    sides = [(-beyond, along), (along, -beyond), (size + beyond, along), (along, size + beyond)]
    found = []
    for across, down in sides:
        x, y, w = transform @ np.stack([across, down, np.ones(9)])
        inside = (x / w >= 0) & (x / w <= shape[1]) & (y / w >= 0) & (y / w <= shape[0])
        found.append(not inside.any())
    return found[0], found[1], found[2], found[3]


def _points(transform: Transform, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the centres of a picture's pixels go: x and y, each ``(H, W)``; ``shape`` is (height, width)."""
    x, y = np.arange(shape[1])[None, :] + 0.5, np.arange(shape[0])[:, None] + 0.5
    to_x, to_y = (transform[row, 0] * x + transform[row, 1] * y + transform[row, 2] for row in (0, 1))
    return to_x, to_y


def _fade_to_edge(from_window: Transform, shape: tuple[int, int], size: int, free: Sides) -> NDArray[np.float32]:
    """1 inside the portrait, 0 from its edge on, a smooth step between: ``(H, W, 1)`` for a window of the photo.

    At sides that are free 1 up to `PASTE_FEATHER` beyond them.
    """
    reach = PASTE_FEATHER * size
    fade = np.ones((*shape, 1))
    for at, first, last in zip(_points(from_window, shape), free[:2], free[2:], strict=True):
        for inside, beyond in ((at, first), (size - at, last)):
            step = (inside >= -reach).astype(float) if beyond else np.clip(inside / reach, 0, 1)
            fade *= (step * step * (3 - 2 * step))[..., None]
    return fade.astype(np.float32)
