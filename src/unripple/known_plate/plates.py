"""Background plates: crops of free photographs that ship in wheels, and generated backgrounds.

The lists of the study and of the trainings share no picture, so nothing that is trained has seen a plate of the study.
``NOTICE`` gives the origin and licence of each photograph.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from unripple.files.pictures import Rgb
from unripple.settings.plates import MORE_PLATES, STUDY_PLATES, TRAINING_PLATES

_Floats = NDArray[np.float32]

#: Photographs that scikit-learn's wheel ships; all others are scikit-image's.
OF_SKLEARN = ("china", "flower")


def plate(name: str, rng: Generator, size: int) -> Rgb:
    """A random view of one photograph, as a lens would blur a background: ``uint8 (size, size, 3)`` RGB.

    Crop, scale, mirror, white balance, gamma and disc blur are random. Grey photographs get a random tint.

    Args:
        name: of `STUDY_PLATES`, `MORE_PLATES` or `TRAINING_PLATES`; ``ValueError`` otherwise.
    """
    known = STUDY_PLATES + MORE_PLATES + TRAINING_PLATES
    if name not in known:
        raise ValueError(f"plate {name!r}: expected one of {', '.join(known)}")
    photograph = _photograph(name)
    side = round(min(photograph.shape[:2]) * rng.uniform(0.5, 1.0))
    top, left = (int(rng.integers(0, extent - side + 1)) for extent in photograph.shape[:2])
    crop = photograph[top : top + side, left : left + side]
    interpolation = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    view = np.asarray(cv2.resize(crop, (size, size), interpolation=interpolation), np.float32) / np.float32(255)
    if rng.random() < 0.5:
        view = np.flip(view, axis=1)
    if _is_grey(name):
        view = _tint(view, rng)
    return _finish(view, rng, blur=rng.uniform(0.0, 0.012))


def synthetic_plate(rng: Generator, size: int) -> Rgb:
    """A generated background, ``uint8 (size, size, 3)`` RGB: a gradient or soft noise, bare or with bokeh or boards."""
    ground = _gradient(rng, size) if rng.random() < 0.5 else _soft_noise(rng, size)
    match rng.integers(4):
        case 0:
            ground = _bokeh(ground, rng)
        case 1 | 2:
            ground = _boards(ground, rng)
    return _finish(ground, rng, blur=rng.uniform(0.0, 0.02))


def training_plate(rng: Generator, size: int) -> Rgb:
    """What trainings put behind a person: half photographs of `TRAINING_PLATES`, half `synthetic_plate`."""
    if rng.random() < 0.5:
        return synthetic_plate(rng, size)
    return plate(TRAINING_PLATES[int(rng.integers(len(TRAINING_PLATES)))], rng, size)


@cache
def _photograph(name: str) -> Rgb:
    # Read from the wheel's folder: skimage.data would try to download what a version moved out of the wheel.
    package, folder = ("sklearn", "datasets/images") if name in OF_SKLEARN else ("skimage", "data")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{name}: expected in the package {package}; install the locked version")
    for suffix in (".png", ".jpg"):
        file = Path(spec.origin).parent / folder / (name + suffix)
        if file.is_file():
            return np.asarray(cv2.imread(str(file), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    raise FileNotFoundError(f"{folder}/{name}.png or .jpg: not in this {package}; install the locked version")


@cache
def _is_grey(name: str) -> bool:
    photograph = _photograph(name)
    return bool((photograph == photograph[..., :1]).all())


def _colour(rng: Generator) -> _Floats:
    """A colour as backgrounds have them: any hue, seldom saturated."""
    grey, colour = rng.uniform(0.05, 0.95), rng.uniform(0, 1, 3)
    saturation = rng.beta(1.5, 2.5)
    return (grey + saturation * (colour - grey)).astype(np.float32)


def _tint(grey: _Floats, rng: Generator) -> _Floats:
    """Grey levels become a mixture of a dark and a light colour."""
    dark, light = 0.4 * _colour(rng), 0.6 + 0.4 * _colour(rng)
    return (dark + grey * (light - dark)).astype(np.float32)


def _gradient(rng: Generator, size: int) -> _Floats:
    """Linear or radial, between two colours."""
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = ramp[None, :], ramp[:, None]
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        level = 0.5 + 0.35 * (np.cos(angle) * x + np.sin(angle) * y)
    else:
        centre_x, centre_y = rng.uniform(-1, 1, 2)
        level = np.hypot(x - centre_x, y - centre_y) / rng.uniform(1.2, 2.8)
    weight = np.clip(level, 0, 1).astype(np.float32)[..., None]
    mixed: _Floats = _colour(rng) * (1 - weight) + _colour(rng) * weight
    return mixed


def _soft_noise(rng: Generator, size: int) -> _Floats:
    """Octaves of value noise: foliage, walls, clouds."""
    picture = np.full((size, size, 3), _colour(rng), dtype=np.float32)
    roughness = rng.uniform(0.35, 0.75)
    strength = rng.uniform(0.1, 0.35)
    for octave in range(1, 7):
        cells = rng.normal(size=(2**octave, 2**octave, 3)).astype(np.float32)
        grey = cells.mean(axis=2, keepdims=True)
        mixed = np.ascontiguousarray(grey + 0.25 * (cells - grey))
        picture += strength * cv2.resize(mixed, (size, size), interpolation=cv2.INTER_CUBIC)
        strength *= roughness
    return picture


def _bokeh(ground: _Floats, rng: Generator) -> _Floats:
    """Lights out of focus: translucent discs."""
    size = len(ground)
    picture = np.ascontiguousarray(ground)
    for _ in range(int(rng.integers(5, 25))):
        layer: _Floats = picture.copy()
        centre = (int(rng.integers(size)), int(rng.integers(size)))
        light = 0.5 + 0.5 * _colour(rng)
        cv2.circle(layer, centre, max(1, round(size * rng.uniform(0.01, 0.08))), light.tolist(), -1, cv2.LINE_AA)
        picture = 0.5 * (picture + layer)
    return picture


def _boards(ground: _Floats, rng: Generator) -> _Floats:
    """Straight edges of rooms and streets: rectangles and bars, all turned by one angle."""
    size = len(ground)
    picture = np.ascontiguousarray(ground)
    angle = rng.normal(0, 8)
    for _ in range(int(rng.integers(3, 15))):
        centre = rng.uniform(0, size, 2)
        width, height = size * rng.uniform(0.02, 0.5, 2)
        corners = cv2.boxPoints(((float(centre[0]), float(centre[1])), (float(width), float(height)), float(angle)))
        cv2.fillConvexPoly(picture, corners.round().astype(np.int32), _colour(rng).tolist(), cv2.LINE_AA)
    return picture


def _finish(picture: _Floats, rng: Generator, blur: float) -> Rgb:
    """Lens and sensor: disc blur (radius in picture widths), white balance, gamma, fine noise."""
    size = len(picture)
    picture = _disc_blur(np.ascontiguousarray(picture), blur * size)
    picture = np.clip(picture, 0, 1) ** np.float32(rng.uniform(0.75, 1.35))
    picture *= rng.uniform(0.88, 1.12, 3).astype(np.float32)
    levels = rng.uniform(0, 1.5) * rng.standard_normal((size, size, 1), dtype=np.float32)
    return np.clip(np.round(picture * 255 + levels), 0, 255).astype(np.uint8)


def _disc_blur(picture: _Floats, radius: float) -> _Floats:
    """Convolve with a disc, the image of a point out of focus; nothing below a radius of half a pixel."""
    if radius < 0.5:
        return picture
    reach = int(np.ceil(radius))
    offset = np.arange(-reach, reach + 1)
    distance = np.hypot(offset[:, None], offset[None, :])
    kernel = np.clip(radius + 0.5 - distance, 0, 1)  # A soft rim, so that the radius may be fractional.
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT), np.float32)
