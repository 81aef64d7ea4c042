"""Faces that are small, turned to the side or lying: BlazeFace over a pyramid of tiles, then MediaPipe's face mesh.

Bazarevsky et al., "BlazeFace", 2019; Kartynnik et al., "Real-time Facial Surface Geometry", 2019. The mesh says whether
there is a face in a box at all, and gives its landmarks. Both find; they judge nothing that the study measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from unripple.detectors.package_files import mediapipe_network
from unripple.files.pictures import Rgb

Points = NDArray[np.float64]

#: Side of the smallest tile in pixels of the photo: the detector sees faces from a tenth of a tile on.
SMALLEST_TILE: Final = 640
# Degrees, clockwise, by which tiles are turned. The detector sees faces that lean by less than 45 to either side.
_UPRIGHT: Final = (0, 90, 180, 270)
_OBLIQUE: Final = (45, 135, 225, 315)
# Turned by these only tiles from this share of the photo on are looked at: it takes as long again.
_OBLIQUE_SHARE: Final = 1 / 8
# A longer photo than this is no photo, and is looked at as a whole only.
_LONGEST: Final = 20
# Of the detector's score, and of what the mesh says of its box: both in [0, 1]. Heads in profile reach .5, and so do
# saucers and badges, of which the many small tiles of a large photo show more than the few large ones.
_CONFIDENCE: Final = 0.5
_PRESENCE, _PRESENCE_NEAR = 0.5, 0.8
# Standard deviation in grey levels below which a tile shows nothing.
_FLAT: Final = 2.0
# The mesh looks at a square around the face, larger than its box by this.
_GROWN: Final = 1.5
_MESH_SIDE: Final = 192

# Points of the mesh at the places of iBUG's 68 landmarks.
_IBUG: Final = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),  # jaw
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),  # nose
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87),  # lips
)


@dataclass(frozen=True)
class Square:
    """A square in a photo, turned by any angle.

    ``centre: float64 (2,)``, continuous x and y; ``extent``: its side in pixels of the photo; ``axis``: unit vector in
    the photo to the square's right; ``side``: of the picture that is cut from it.
    """

    centre: Points
    extent: float
    axis: Points
    side: int

    def to_photo(self, points: Points) -> Points:
        """Points ``(N, 2)`` of the picture as points of the photo."""
        return (points - self.side / 2) @ self._turn.T + self.centre

    def cut(self, photo: Rgb) -> Rgb:
        """The picture, ``uint8 (side, side, 3)``; black beyond the photo."""
        reach = self.extent * 0.75 + 2
        low = np.clip(np.floor(self.centre - reach), 0, photo.shape[1::-1]).astype(int)
        high = np.clip(np.ceil(self.centre + reach), 0, photo.shape[1::-1]).astype(int)
        if (high <= low).any():
            return np.zeros((self.side, self.side, 3), np.uint8)
        part = photo[low[1] : high[1], low[0] : high[0]]
        shrink = np.ones(2)
        if self.extent > self.side:  # so that no pixel is skipped
            shape = np.maximum(1, np.round((high - low) * self.side / self.extent)).astype(int)
            shrink = shape / (high - low)
            part = np.asarray(cv2.resize(part, shape.tolist(), interpolation=cv2.INTER_AREA), np.uint8)
        turn = shrink[:, None] * self._turn
        # OpenCV's points are centres of pixels.
        move = shrink * (self.centre - low) - turn @ np.full(2, self.side / 2 - 0.5) - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(part, np.column_stack([turn, move]), (self.side, self.side), flags=flags)
        return np.asarray(picture, np.uint8)

    @property
    def _turn(self) -> Points:
        x, y = self.axis
        return self.extent / self.side * np.array([[x, -y], [y, x]])


class FaceSeeker:
    """Looks for faces of every size, leaning by any angle. Networks load when first used; not for sharing between
    threads."""

    def seek(self, rgb: Rgb, everyone: bool = False) -> list[Points]:
        """The 68 landmarks, as indexes of pixels ``float64 (68, 2)``, of the faces in ``uint8 (H, W, 3)``.

        Looks at the whole photo first, then closer and closer, and ends where faces are found; with ``everyone`` it
        goes on to the smallest.
        """
        faces: list[Points] = []
        sides = _tile_sides(rgb)
        leaning = [sides[0] * 1.4, *(side for side in sides if side >= sides[0] * _OBLIQUE_SHARE)]
        for angles, closer in ((_UPRIGHT, sides), (_OBLIQUE, leaning)):
            for side in closer:
                for box in _distinct(self._boxes(rgb, side, angles)):
                    landmarks = self._landmarks(rgb, box, _PRESENCE if side >= sides[0] / 2 else _PRESENCE_NEAR)
                    if landmarks is not None and not any(same(landmarks, other) for other in faces):
                        faces.append(landmarks)
                if faces and not everyone:
                    return faces
            if faces:
                break
        return faces

    def _boxes(self, rgb: Rgb, side: float, angles: tuple[int, ...]) -> Iterator[_Box]:
        """What is found in tiles of one side, for each turn."""
        for detector in [self._far, self._near] if side >= max(rgb.shape[:2]) else [self._far]:
            scale = detector.side / side
            shape = tuple(max(1, round(extent * scale)) for extent in rgb.shape[1::-1])
            interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            small = np.asarray(cv2.resize(rgb, shape, interpolation=interpolation), np.uint8)
            to_rgb = np.array(rgb.shape[1::-1]) / shape
            for centre in product(*(_middles(extent, detector.side) for extent in shape)):
                tiles = [_tile(np.array(centre), angle, detector.side) for angle in angles]
                if tiles[0].cut(small).std() < _FLAT:
                    continue
                for tile in tiles:
                    for points, extent, score in detector.faces(tile.cut(small)):
                        yield _Box(tile.to_photo(points) * to_rgb, float(extent * to_rgb.max()), score)

    def _landmarks(self, rgb: Rgb, box: _Box, least: float) -> Points | None:
        """What the mesh finds in a box; None where it sees no face, or less surely than ``least``.

        It looks twice, the second time at what it has found: the detector's box is rough for heads in profile.
        """
        square = Square(box.points[0], box.extent * _GROWN, _across(*box.points[[1, 2, 4]]), _MESH_SIDE)
        for _ in range(2):
            points, presence = self._mesh(square.cut(rgb)[None].astype(np.float32) / 255).values()
            if _logistic(presence.item()) < least:
                return None
            inside = np.asarray(points, np.float64).reshape(-1, 3)[:, :2]
            mesh = square.to_photo(inside)
            middle, size = (inside.min(axis=0) + inside.max(axis=0)) / 2, np.ptp(inside, axis=0).max()
            axis = _across(*(mesh[[left, right]].mean(axis=0) for left, right in ((33, 133), (362, 263), (61, 291))))
            square = Square(
                square.to_photo(middle[None])[0], float(size) * square.extent / _MESH_SIDE * _GROWN, axis, _MESH_SIDE
            )
        return mesh[list(_IBUG)] - 0.5

    @cached_property
    def _far(self) -> _Detector:
        return _Detector("face_detection_full_range_sparse.tflite", 192, ((4, 1),))

    @cached_property
    def _near(self) -> _Detector:
        return _Detector("face_detection_short_range.tflite", 128, ((8, 2), (16, 6)))

    @cached_property
    def _mesh(self) -> Any:
        return mediapipe_network("face_landmark/face_landmark.tflite")


@dataclass(frozen=True)
class _Box:
    """What the detector finds. ``points: float64 (7, 2)``, in the photo: the box's centre, right eye, left eye, tip of
    the nose, mouth, right ear, left ear; ``extent`` of the box; ``score`` in [0, 1]."""

    points: Points
    extent: float
    score: float


@dataclass
class _Detector:
    """One of the two networks: its file, the side of its input, and its grids as (stride, answers per cell)."""

    file: str
    side: int
    grids: tuple[tuple[int, int], ...]

    @cached_property
    def _network(self) -> Any:
        return mediapipe_network(f"face_detection/{self.file}")

    @cached_property
    def _anchors(self) -> Points:
        """The places to which the answers refer, ``(N, 2)`` in pixels of the input."""
        cells = []
        for stride, answers in self.grids:
            row, column = (np.mgrid[: self.side // stride, : self.side // stride] + 0.5) * stride
            cells.append(np.stack([column, row], axis=-1).reshape(-1, 2).repeat(answers, axis=0))
        return np.concatenate(cells)

    def faces(self, tile: Rgb) -> Iterator[tuple[Points, float, float]]:
        """The points of each `_Box`, in pixels of a tile ``uint8 (side, side, 3)``, its extent and score."""
        raw, logits = (part[0] for part in self._network(tile[None].astype(np.float32) / 127.5 - 1).values())
        scores = _logistic(logits[:, 0])
        for at in np.flatnonzero(scores >= _CONFIDENCE):
            found = raw[at].astype(np.float64).reshape(8, 2)
            yield found[[0, *range(2, 8)]] + self._anchors[at], float(found[1].max()), float(scores[at])


def _tile_sides(rgb: Rgb) -> list[float]:
    """From the whole photo on, each half of the one before."""
    height, width = rgb.shape[:2]
    sides = [float(max(height, width))]
    while sides[-1] > 1.5 * SMALLEST_TILE and max(height, width) <= _LONGEST * min(height, width):
        sides.append(max(sides[-1] / 2, SMALLEST_TILE))
    return sides


def _middles(extent: int, side: int) -> Iterable[float]:
    """Where tiles stand along one edge: each half over the next, so that a small face is whole in one of them."""
    steps = max(0, int(np.ceil(2 * (extent - side) / side)))
    return np.linspace(side / 2, extent - side / 2, steps + 1) if steps else [extent / 2]


def _tile(centre: Points, angle: int, side: int) -> Square:
    return Square(centre, side, np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]), side)


def _across(right_eye: Points, left_eye: Points, mouth: Points) -> Points:
    """The unit vector across a face, of what the eyes and the way to the mouth say: one of them shrinks when the head
    turns or nods."""
    eyes, down = left_eye - right_eye, mouth - (right_eye + left_eye) / 2
    both = eyes + np.array([down[1], -down[0]])
    return np.asarray(both / max(np.hypot(*both), 1e-9))


def _distinct(boxes: Iterable[_Box]) -> list[_Box]:
    """The surest box of each place."""
    kept: list[_Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(np.hypot(*(box.points[0] - other.points[0])) > max(box.extent, other.extent) / 2 for other in kept):
            kept.append(box)
    return kept


def same(one: Points, other: Points) -> bool:
    """Whether two sets of landmarks, ``(68, 2)``, are of one face."""
    apart = np.hypot(*(one.mean(axis=0) - other.mean(axis=0)))
    return bool(apart < max(np.ptp(one, axis=0).max(), np.ptp(other, axis=0).max()) / 2)


def _logistic(value: Any) -> Any:
    return 0.5 + 0.5 * np.tanh(value / 2)  # without overflow
