"""All the faces of a photo, and the photo set upright: dlib's faces where it sees any, else those of MediaPipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from unripple.detectors.blazeface import FaceSeeker, Square, same
from unripple.detectors.crop import MIN_CROP, crop_side, ffhq_transform, roll, scale_of
from unripple.detectors.dlib_faces import FaceMeter, Landmarks
from unripple.files.pictures import Rgb

# A face that leans by more than this says that the photo lies.
_LEANING: Final = 60.0
# dlib looks again at a face that was found without it: at a square around it of this extent in crops, cut upright.
_AROUND: Final = 1.6
_SIDE: Final = 640


@dataclass(frozen=True)
class Crowd:
    """The faces of a photo.

    ``photo: uint8 (H, W, 3)``, upright; ``faces``: the landmarks of each, the one to take by default first;
    ``turns``: quarters by which the photo was turned to the left.
    """

    photo: Rgb
    faces: tuple[Landmarks, ...]
    turns: int = 0

    def numbers(self) -> list[int]:
        """The number of each face, counted from the left from 1 on."""
        order = sorted(range(len(self.faces)), key=lambda at: tuple(self.faces[at].mean(axis=0)))
        return [order.index(at) + 1 for at in range(len(self.faces))]


def look(photo: Rgb, meter: FaceMeter, seeker: FaceSeeker, everyone: bool = False) -> Crowd:
    """Find the faces of a photo, ``uint8 (H, W, 3)``.

    Those that dlib finds are taken as it finds them, the largest first. Where it finds none that is large enough, or
    ``everyone`` is wanted, the seeker's follow.
    """
    known = _known(photo, meter)
    if known and not everyone:
        return Crowd(photo, known)
    return _beyond(photo, known, meter, seeker, everyone, 0)


def _known(photo: Rgb, meter: FaceMeter) -> tuple[Landmarks, ...]:
    """dlib's faces; none where the largest is too small."""
    faces = tuple(meter.landmarks(photo, box) for box in meter.detect(photo, thorough=True))
    return faces if faces and crop_side(faces[0]) >= MIN_CROP else ()


def _beyond(
    photo: Rgb, known: tuple[Landmarks, ...], meter: FaceMeter, seeker: FaceSeeker, everyone: bool, turns: int
) -> Crowd:
    found = sorted(seeker.seek(photo, everyone), key=crop_side, reverse=True)
    if found and not known and not turns and abs(roll(found[0])) > _LEANING:
        turns = round(roll(found[0]) / 90) % 4
        upright = np.ascontiguousarray(np.rot90(photo, turns))
        known = _known(upright, meter)
        if known and not everyone:
            return Crowd(upright, known, turns)
        return _beyond(upright, known, meter, seeker, everyone, turns)
    others = [_nearer(photo, face, meter) for face in found if not any(same(face, other) for other in known)]
    others.sort(key=crop_side, reverse=True)
    return Crowd(photo, (*known, *others), turns)


def _nearer(photo: Rgb, face: Landmarks, meter: FaceMeter) -> Landmarks:
    """dlib's landmarks of a face, if it sees it from nearby and upright: FFHQ was cropped by them. Else as given."""
    to_photo = ffhq_transform(face, 1)
    extent, centre = scale_of(to_photo), (to_photo @ [0.5, 0.5, 1])[:2]
    square = Square(centre, _AROUND * extent, to_photo[:2, 0] / extent, _SIDE)
    part = square.cut(photo)
    for box in meter.detect(part):
        landmarks = square.to_photo(meter.landmarks(part, box) + 0.5) - 0.5
        if same(landmarks, face):
            return landmarks
    return face
