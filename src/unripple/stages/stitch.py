"""The turned head back on its own neck: an edited portrait that fits the photo around it.

A portrait's square follows eyes and mouth. When the head turns in it, the face stays and the neck walks off, the
generator turns the shoulders, too, and draws clothes that it does not know: pasted back as it is, the square's lower
side cuts through all of that. So the head alone goes back. It is moved until it turns about the middle between its
ears, as heads do, and joined to the photo's own body along the line where the two differ least.

Pictures are rgb ``float32 (H, H, 3)`` in [-1, 1], mattes and maps ``float32 (H, H)`` in [0, 1], masks
``bool (H, H)``.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.graph import route_through_array

from unripple.detectors.face_mesh import Mesh
from unripple.files.pictures import Mask, Matte
from unripple.stages.composite import Picture, mixed, over, settled
from unripple.stages.inpaint import Inpainter
from unripple.stages.masks import Map, dilate, distance_to, halo, scaled
from unripple.stages.motion import turned
from unripple.stages.plate import hidden_by, layered_plate, pushed_in

#: The join is looked for in pictures of this height, and lengths below are in its pixels.
HEIGHT: Final = 512

# Of MediaPipe's mesh: before either ear, the tip of the nose, between the lips, the chin.
_EARS: Final = (234, 454)
_NOSE, _LIPS, _CHIN = 1, 13, 152

# What shows of either head is the edit's, and so much around it: of hair, and of faces, whose mesh ends before the jaw
# does: from the chin up to the lips more and more.
_FRINGE: Final = 6.0
_FACE: Final = 4.0
_JAW: Final = 18.0
# Rows at the bottom that are the photo's whatever lies there.
_BOTTOM: Final = 12
# Cost of a pixel of the join where edit and photo agree, beside their difference; and of what differs above a pixel,
# which the join gives to the edit: clothes are the photo's.
_LENGTH: Final = 0.004
_BODY: Final = 0.02
# Softness of the join, and of the edge of what has changed.
_SOFT: Final = 3.0
_EDGE: Final = 6.0
# Within this distance from where the edit ends, and above the join, its outline becomes that of the photo's person; and
# how soft it is.
_ENDS: Final = 128.0
_JOINS: Final = 40.0
_OUTLINE: Final = 1.5
# Beyond where the edit ends the photo takes over, within this distance.
_FADE: Final = 32.0
# A difference of two grey levels in any colour is a change.
_CHANGE: Final = 2 / 127.5


class Stitched(NamedTuple):
    """``rgb``: the portrait with the edited head; ``weight``: 1 where that differs from it, with a soft edge."""

    rgb: Picture
    weight: Map


def stitched(
    portrait: Picture,
    old: Matte,
    person: Picture,
    new: Matte,
    before: Mesh,
    after: Mesh,
    inpainter: Inpainter,
    grow: float = 5,
) -> Stitched:
    """The edited head on the portrait's own body, before its own background.

    Args:
        portrait: before the edit.
        old: its person.
        person: the edit, with any background.
        new: the person in it.
        before: the face before the edit, in pixels at height `HEIGHT`.
        after: the face in ``person``, in the same.
        inpainter: fills what the head uncovers.
        grow: by how much that is wider than the old person, see `plate.layered_plate`.

    Raises:
        ValueError: sizes do not fit, or the two persons leave nothing to fill from.
    """
    scale = len(portrait) / HEIGHT
    move = seat(scale * before, scale * after)
    person, new = _moved(person, move), within(_moved(new, move), old, move)
    edit = over(person, new, pushed_in(portrait, hidden_by(old, grow)))
    above = joined(
        _small(edit), _small(portrait), _small(old), _small(new), before, after + np.array([*move, 0]) / scale
    )
    new = narrowed(new, old, _large(distance_to(~above) / np.float32(_JOINS), old))
    # The body below is behind the head, like a wall.
    head = _large(above.astype(np.float32), old)
    plate = layered_plate(portrait, np.where(head > 0.5, old, np.float32(0)), settled(new), inpainter, grow)
    edit = over(person, new, plate)
    soft = cv2.GaussianBlur(head, (0, 0), scaled(_SOFT, old))
    ends = np.clip(distance_to_end(old.shape, move, alone=True) / np.float32(scaled(_FADE, old)), 0, 1)
    rgb = mixed(portrait, edit, np.asarray(soft * ends, np.float32))
    changed = np.abs(rgb - portrait).max(axis=2) > _CHANGE
    return Stitched(rgb, halo(changed, scaled(_EDGE, old)))


def seat(before: Mesh, after: Mesh) -> tuple[int, int]:
    """By how many whole pixels, x and y, a turned head must move so that what lies between its ears stays where it was.

    The mesh of a turned face leans on what most faces look like; half of the way is its best turn as a rigid body.
    """
    ends = (turned(before, after) + after) / 2
    x, y, _ = np.round((before - ends)[list(_EARS)].mean(axis=0)).astype(int)
    return int(x), int(y)


def distance_to_end(shape: tuple[int, ...], move: tuple[int, int], *, alone: bool = False) -> Map:
    """How far each pixel lies within an edit that was moved, from its left, right and upper end or the picture's.

    ``float32 (H, W)``, pixels; negative beyond. Below there is the photo's own body, and no end. ``alone``: only from
    ends that have moved into the picture.
    """
    (height, width), (x, y) = shape[:2], move
    rows, columns = np.indices((height, width), dtype=np.float32)
    sides = [(columns - max(x, 0), x > 0), (width - 1 + min(x, 0) - columns, x < 0), (rows - max(y, 0), y > 0)]
    far = np.full((height, width), np.float32(max(height, width)))
    return np.asarray(np.minimum.reduce([far, *(side for side, moved in sides if moved or not alone)]))


def within(new: Matte, old: Matte, move: tuple[int, int]) -> Matte:
    """The moved person as far as the edit shows them: hair that its end cuts off is given the old head's outline.

    ``move``: whole pixels, x and y. Returns ``float32 (H, W)``, nowhere more than ``new``.
    """
    inside = distance_to_end(new.shape, move)
    return np.where(inside < 0, 0, narrowed(new, old, inside / np.float32(scaled(_ENDS, new)))).astype(np.float32)


def narrowed(new: Matte, old: Matte, share: Map) -> Matte:
    """A person whose outline becomes, where it is the smaller, that of the photo's person, where ``share`` falls to 0.

    From a share of 1 on, the person stays. ``share``: any range, cut to [0, 1].
    """
    share = np.clip(share, 0, 1) ** 2 * (3 - 2 * np.clip(share, 0, 1))
    own = _depth(new >= 0.5)
    between = share * own + (1 - share) * _depth(old >= 0.5)
    limit = np.clip(0.5 + between / np.float32(2 * scaled(_OUTLINE, new)), 0, 1)
    return np.where(between < own, np.minimum(new, limit), new).astype(np.float32)


def joined(edit: Picture, portrait: Picture, old: Matte, new: Matte, before: Mesh, after: Mesh) -> Mask:
    """What of a picture is the edit's head; the rest is the portrait's. All at height `HEIGHT`.

    The boundary is the path from the left to the right side along which the two pictures differ least (Efros and
    Freeman, "Image Quilting", SIGGRAPH 2001, section 2.1), below both faces and both heads of hair.

    Args:
        edit: the moved edit over the portrait's own background.
        portrait: before the edit.
        old: the person in ``portrait``.
        new: the person in ``edit``.
        before: the face in ``portrait``.
        after: the face in ``edit``.
    """
    differ = np.abs(edit - portrait).mean(axis=2)
    head = _head(old, new, before, after)
    # The border is free: the path begins and ends at any height.
    cost = np.pad(differ + _LENGTH + _BODY * np.cumsum(np.where(head, 0, differ), axis=0), 1)
    cost[1:-1, 1:-1][head] = np.inf
    cost[-1 - _BOTTOM :, 1:-1] = cost[0] = np.inf
    last = len(cost) - 1
    path, _ = route_through_array(cost, (last, 0), (last, last), fully_connected=False, geometric=False)
    beside = np.ones(cost.shape, np.uint8)
    beside[tuple(np.transpose(path))] = 0
    _, parts = cv2.connectedComponents(beside, connectivity=4)
    return np.asarray(parts == parts[0, 0])[1:-1, 1:-1]


def _head(old: Matte, new: Matte, before: Mesh, after: Mesh) -> Mask:
    """What must be the edit's, or an ear, a chin or a strand would be there twice."""
    rows = np.arange(len(new))[:, None]
    lips, nose = max(before[_LIPS, 1], after[_LIPS, 1]), min(before[_NOSE, 1], after[_NOSE, 1])
    head = dilate((old > 0.1) | (new > 0.1), _FRINGE) & (rows < lips)
    head |= dilate(_face(before, new) | _face(after, new), _FACE)
    jaw = np.clip((after[_CHIN, 1] - rows) / max(after[_CHIN, 1] - after[_LIPS, 1], 1), 0, 1)
    head |= (distance_to(_face(after, new)) <= _FACE + (_JAW - _FACE) * jaw) & (new > 0.5)
    head |= rows < nose
    head[-_BOTTOM - 4 :] = False
    return np.asarray(head)


def _face(mesh: Mesh, picture: NDArray[Any]) -> Mask:
    """The convex hull of a face."""
    hull = cv2.convexHull(np.round(mesh[:, :2]).astype(np.int32))
    return np.asarray(cv2.fillConvexPoly(np.zeros(picture.shape[:2], np.uint8), hull, (1,))) > 0


def _depth(mask: Mask) -> Map:
    """How deep a pixel lies inside, in pixels, at most the picture's height; negative outside."""
    inside, outside = (np.minimum(distance_to(part), len(mask)) for part in (~mask, mask))
    return np.where(mask, inside - 0.5, 0.5 - outside).astype(np.float32)


def _moved(picture: NDArray[Any], move: tuple[int, int]) -> NDArray[Any]:
    """Moved by whole pixels; what enters is the outermost pixels of a picture."""
    how = np.array([[1, 0, move[0]], [0, 1, move[1]]], np.float32)
    size = picture.shape[1], picture.shape[0]
    return np.asarray(
        cv2.warpAffine(picture, how, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), picture.dtype
    )


def _small(picture: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(cv2.resize(picture, (HEIGHT, HEIGHT), interpolation=cv2.INTER_AREA), np.float32)


def _large(values: Map, like: Map) -> Map:
    return np.asarray(cv2.resize(values, like.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
