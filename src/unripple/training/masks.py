"""Shapes of holes, cut from silhouettes of persons: what ripple masks and removed persons look like.

Silhouettes and holes: bool (H, W), True = person and True = hole. Randomness comes from the generator given.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

#: A band covers at least and at most this share of the picture.
BAND_AREA = (0.004, 0.35)


def moved(silhouette: Mask, rng: np.random.Generator) -> Mask:
    """The silhouette of a person who turned or moved: narrower or wider, shifted, a little turned."""
    height, width = silhouette.shape
    turn = np.deg2rad(rng.uniform(-10, 10))
    across, along = rng.uniform(0.8, 1.2), rng.uniform(0.92, 1.08)
    matrix = np.array([[np.cos(turn) * across, -np.sin(turn)], [np.sin(turn), np.cos(turn) * along]])
    centre = np.array([width / 2, height / 2])
    shift = rng.uniform(-1, 1, 2) * (0.12 * width, 0.05 * height)
    affine = np.column_stack((matrix, centre - matrix @ centre + shift))
    # Replicated borders: shoulders that leave the picture keep leaving it.
    return cv2.warpAffine(
        silhouette.astype(np.uint8), affine, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.bool_)


def dilated(mask: Mask, radius: int) -> Mask:
    """Grown by a disc of ``radius`` pixels."""
    if radius <= 0:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(np.bool_)


def band(silhouette: Mask, rng: np.random.Generator, *, person: Mask | None = None) -> Mask:
    """What the person uncovers by moving: the moved silhouette without the silhouette, dilated as ripple masks are.

    ``person``: pixels that are never part of the hole. May come back empty where a person fills the picture.
    """
    low, high = BAND_AREA
    for _ in range(8):
        side = max(silhouette.shape)
        hole = dilated(moved(silhouette, rng) & ~silhouette, int(rng.integers(0, max(2, side // 32))))
        if person is not None:
            hole &= ~person
        if low < hole.mean() < high:
            return hole
    return np.zeros_like(silhouette)


def whole(silhouette: Mask, rng: np.random.Generator) -> Mask:
    """A hole as large as the person, grown, and sometimes off to one side."""
    grown = dilated(silhouette, int(rng.integers(1, max(3, max(silhouette.shape) // 20))))
    shift = round(rng.uniform(-0.35, 0.35) * silhouette.shape[1]) if rng.random() < 0.4 else 0
    hole = np.roll(grown, shift, axis=1)
    if shift > 0:
        hole[:, :shift] = False
    elif shift < 0:
        hole[:, shift:] = False
    return hole
