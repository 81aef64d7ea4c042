"""How an edit moves the person: where each pixel of the edit comes from in the portrait, and how surely.

HFGI aligns what it consults by a network, ADA, which sees an edit of a few pixels; its authors speak of a
"pre-alignment" for large turns, of which nothing was released. Here both ends of the turn are pictures of one
generator, the low-rate inversion and the low-rate edit, so that the motion between them can be measured: by the face
mesh on the face, where skin gives optical flow nothing to hold on to, and by optical flow from there on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from unripple.detectors.face_mesh import FaceMesh, Mesh
from unripple.files.pictures import Rgb, reduced
from unripple.stages.masks import Map
from unripple.stages.warp import Motion, no_motion, resized, then, there_and_back, warped

#: Motion is measured in pictures of this height, whatever the study's; every length below is in its pixels.
HEIGHT: Final = 512
#: The error of going there and back at which a motion is still sure by 1/e.
_ERROR: Final = 5.0
# The area that a pixel had before the motion from which on it is not called stretched, and how blurred it is taken.
_LEAST_AREA: Final = 0.5
_AREA_BLUR: Final = 2.0
# What is sure on less than this is so by chance.
_DISC: Final = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))
# Penalty for bending of the spline through the mesh's points, and the grid on which it is evaluated.
_BENDING: Final = 0.5
_GRID: Final = 8
# The mesh of a turned face leans on what most faces look like; half of the way is its best turn as a rigid body.
_RIGID: Final = 0.5
# How often `fitted` looks, how far it may move each time, and how smoothly.
_FITS: Final = 2
_FIT: Final = 4.0
_FIT_BLUR: Final = 2.0


class Moved(NamedTuple):
    """``backward: float32 (H, W, 2)``, see ``stages.warp``; ``sureness: float32 (H, W)`` in [0, 1]."""

    backward: Motion
    sureness: Map


def motion(before: Rgb, after: Rgb, mesh: FaceMesh) -> Moved:
    """The motion from the picture of a code to that of the moved code.

    Sureness is ``exp(-(d / 5 px)^2)`` of the distance d, at height 512, by which a pixel misses itself that goes to
    the portrait and returns by the motion measured the other way: what turns into sight comes from nowhere. It is less
    where a small piece of the portrait becomes a large one of the edit, and 0 where the motion folds; and what is sure
    on less than a disc of 6 px is so by chance.

    Args:
        before: the low-rate inversion, ``uint8 (H, H, 3)``.
        after: the low-rate edit, of the same size.
        mesh: finds the face; without a face in both pictures there is optical flow alone.
    """
    if before.shape != after.shape or before.shape[0] != before.shape[1]:
        raise ValueError(f"motion: expected two square pictures of one size, found {before.shape} and {after.shape}")
    size = before.shape[0]
    before, after = reduced(before, HEIGHT), reduced(after, HEIGHT)
    meshes = mesh.find(before), mesh.find(after)
    grey = _grey(before), _grey(after)
    backward = _flow(*grey, _start(*meshes))
    forward = _flow(*grey[::-1], _start(*meshes[::-1]))
    error = there_and_back(backward, forward)
    sure = np.exp(-np.square(error / _ERROR)) * np.clip(area_before(backward) / _LEAST_AREA, 0, 1)
    sure = cv2.morphologyEx(sure.astype(np.float32), cv2.MORPH_OPEN, _DISC)
    sureness = cv2.resize(sure, (size, size), interpolation=cv2.INTER_LINEAR)
    return Moved(resized(backward, size), np.asarray(sureness, np.float32))


def area_before(backward: Motion) -> Map:
    """The area that each pixel had before the motion, ``float32 (H, W)``: 1 where it only moved, less where the picture
    was stretched, negative where it was turned over."""
    smooth = cv2.GaussianBlur(backward, (0, 0), _AREA_BLUR)
    down, across = (np.gradient(smooth, axis=axis) for axis in (0, 1))
    return np.asarray((1 + across[..., 0]) * (1 + down[..., 1]) - across[..., 1] * down[..., 0], np.float32)


def fitted(backward: Motion, before: Rgb, after: Rgb) -> Motion:
    """The motion and what the moved picture still lacks to lie, edge on edge, over the other.

    Twice at most 4 px at height 512, and smooth: it mends what is measured between low-rate pictures so that it serves
    for pictures with more detail, ``uint8 (H, H, 3)``.
    """
    size = before.shape[0]
    found = resized(backward, HEIGHT)
    source, target = (_grey(reduced(rgb, HEIGHT)) for rgb in (before, after))
    for _ in range(_FITS):
        rest = _optical_flow(warped(source, found), target)
        length = np.linalg.norm(rest, axis=-1, keepdims=True)
        rest = cv2.GaussianBlur(rest * np.minimum(1, _FIT / np.maximum(length, 1e-6)), (0, 0), _FIT_BLUR)
        found = then(found, np.asarray(rest, np.float32))
    return resized(found, size)


def _flow(before: NDArray[np.uint8], after: NDArray[np.uint8], start: Motion) -> Motion:
    """Backward motion by optical flow of what ``start`` has moved already; grey pictures ``(512, 512)``."""
    return then(start, _optical_flow(warped(before, start), after))


def _optical_flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Motion:
    """Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016; backward."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(search.calc(after, before, no_motion(before.shape)), np.float32)


def _start(before: Mesh | None, after: Mesh | None) -> Motion:
    """Backward motion of the mesh, by a thin-plate spline through its points; none where a mesh is missing."""
    if before is None or after is None:
        return no_motion((HEIGHT, HEIGHT))
    places = _RIGID * turned(before, after) + (1 - _RIGID) * after
    spline = RBFInterpolator(places[:, :2], (before - places)[:, :2], kernel="thin_plate_spline", smoothing=_BENDING)
    grid = np.arange(_GRID / 2, HEIGHT, _GRID) - 0.5
    x, y = np.meshgrid(grid, grid)
    moves = spline(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(len(grid), len(grid), 2)
    return np.asarray(cv2.resize(moves.astype(np.float32), (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC))


def turned(before: Mesh, after: Mesh) -> Mesh:
    """``before``, turned, scaled and moved as a rigid body to lie best over ``after``; both ``(N, 3)``.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991.
    """
    a, b = before - before.mean(axis=0), after - after.mean(axis=0)
    left, stretch, right = np.linalg.svd(b.T @ a)
    sign = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    scale = (stretch * sign).sum() / np.square(a).sum()
    return np.asarray(scale * a @ (left * sign @ right).T + after.mean(axis=0))


def _grey(rgb: Rgb) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
