"""The known-plate study set: generated portraits over known backgrounds, with the true edit of each.

person = G(w) with a soft matte; portrait = person over a plate; the true edit at degree a = person of G(w + a n) over
*the same* plate. And the public-domain photographs that the study also looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import skimage.data
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import Matte, Rgb
from unripple.files.tensors import to_uint8
from unripple.known_plate import plates
from unripple.settings.plates import STUDY_PLATES
from unripple.stages.composite import Picture, over, settled
from unripple.stages.main_person import main_person

#: Starting yaws of a set are spread evenly over this many degrees to both sides.
YAW_LIMIT: Final = 15.0
#: Codes drawn for each that is taken.
CANDIDATES: Final = 2

#: Degrees of yaw to a step of 1 along the pose direction: 120 faces of truncation .7 follow that line to 3 degrees.
YAW_OF_POSE: Final = 6.2

#: Whether the picture of a code ``w (1, 512)`` shows exactly one face.
OneFace = Callable[[Tensor], bool]


@dataclass(frozen=True)
class Layers:
    """A picture and what it is made of.

    ``rgb: float32 (H, W, 3)`` in [-1, 1]; ``matte: float32 (H, W)`` in [0, 1], of the person in it.
    """

    rgb: Picture
    matte: Matte


@torch.no_grad()
def sample_codes(
    mapping: nn.Module,
    w_mean: Tensor,
    pose: Tensor,
    is_one_face: OneFace,
    *,
    count: int,
    seed: int,
    truncation: float,
) -> Tensor:
    """Codes of faces whose yaws are spread evenly over ±`YAW_LIMIT`: ``float32 (count, 512)``.

    A code's yaw is read off the code. A detector's differs by degrees between two processors, and with it the faces.

    Args:
        mapping: z -> w.
        w_mean: ``(512,)``, where the truncation pulls to.
        pose: ``(512,)``, the unit vector along which faces turn.
        is_one_face: whether a candidate is to be taken; see `shows_one_face`.
        truncation: psi in (0, 1].

    Raises:
        ValueError: too few of the candidates show one face.
    """
    if count == 0:
        return w_mean.new_zeros(0, len(w_mean))
    noise = torch.Generator().manual_seed(seed)
    z = torch.randn(CANDIDATES * count, len(w_mean), generator=noise)
    w = torch.lerp(w_mean, mapping(z.to(w_mean)), truncation)
    wanted = np.linspace(-YAW_LIMIT, YAW_LIMIT, count) if count > 1 else np.zeros(1)
    yaws = YAW_OF_POSE * ((w - w_mean) @ pose.to(w)).double().cpu().numpy()
    left, seen = list(range(len(w))), set[int]()
    while len(left) >= count:
        chosen, _ = linear_sum_assignment(np.abs(yaws[left, None] - wanted[None, :]))
        taken = [left[i] for i in sorted(chosen)]
        unfit = {i for i in taken if i not in seen and not is_one_face(w[i : i + 1])}
        if not unfit:
            return w[taken]
        seen.update(set(taken) - unfit)
        left = [i for i in left if i not in unfit]
    raise ValueError(
        f"seed {seed}: expected {count} faces among {len(w)} candidates, found {len(left)}; "
        f"take another seed or a truncation below {truncation}"
    )


def shows_one_face(render: Callable[[Tensor], Tensor], meter: FaceMeter) -> OneFace:
    """A `OneFace` that renders the code. ``render: w (1, 512) -> rgb (1, 3, H, W)``."""

    def is_one_face(w: Tensor) -> bool:
        return len(meter.detect(to_uint8(render(w))[0])) == 1

    return is_one_face


def plate_name(number: int, names: Sequence[str] = STUDY_PLATES) -> str:
    """The photograph behind portrait ``number``: they are taken in turn."""
    return names[number % len(names)]


def study_plate(number: int, seed: int, size: int, names: Sequence[str] = STUDY_PLATES) -> Rgb:
    """The plate behind portrait ``number``, of one of some photographs: ``uint8 (size, size, 3)``.

    Depends on nothing but these.
    """
    return plates.plate(plate_name(number, names), np.random.default_rng([seed, number]), size)


def compose(person: Picture, matte: Matte, plate: Picture) -> Layers:
    """A generated person over a plate.

    Of G(w) it makes the portrait, of G(w + a n) over the same plate the true edit at degree a. Whoever the generator
    puts beside them stays out: a neighbour who turns along, or comes from nowhere, is in no photo's true edit.

    Args:
        person: ``float32 (H, W, 3)`` in [-1, 1], with any background.
        matte: of all persons in it, ``float32 (H, W)``.
        plate: like ``person``.
    """
    matte = main_person(matte)
    return Layers(over(person, matte, plate), settled(matte))


def example_photo(name: str) -> Rgb:
    """A public-domain photograph of a person that scikit-image's wheel ships: ``uint8 (H, W, 3)``."""
    if name != "astronaut":
        raise ValueError(f"example photo {name!r}: expected astronaut, the only one")
    astronaut: Rgb = skimage.data.astronaut()
    return astronaut
