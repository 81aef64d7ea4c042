"""The edited person of one portrait: motion, layered consultation and detail transport in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unripple.detectors.face_mesh import FaceMesh
from unripple.files.pictures import Matte, Rgb, signed
from unripple.files.tensors import resize, to_arrays, to_uint8
from unripple.models import ModelSet
from unripple.stages.composite import Picture
from unripple.stages.detail import consulted_inversion, with_detail
from unripple.stages.edit import Precision
from unripple.stages.layered import layered_edit, person_distortion
from unripple.stages.main_person import edited_person_matte
from unripple.stages.motion import Moved, fitted, motion
from unripple.stages.parse import person_matte


@dataclass(frozen=True)
class Inverted:
    """A portrait and its inversion. Pictures are ``uint8 (H, H, 3)`` of one size.

    * ``photo``: the portrait; ``matte``: its person, ``float32 (H, H)`` in [0, 1];
    * ``e4e``, ``hfgi``: its low-rate inversion, and HFGI's at degree 0;
    * ``w_plus: float32 (18, 512)``; ``distortion: float32 (3, 256, 256)``, photo minus low-rate inversion.
    """

    photo: Rgb
    matte: Matte
    e4e: Rgb
    hfgi: Rgb
    w_plus: Tensor
    distortion: NDArray[np.float32]


class EditedPerson(NamedTuple):
    """What became of the person; their background is still the generator's.

    ``layered`` and ``detailed``: rgb ``float32 (H, H, 3)`` in [-1, 1], without and with the transported detail;
    ``matte: float32 (H, H)`` in [0, 1]; ``moved``: how they moved.
    """

    layered: Picture
    detailed: Picture
    matte: Matte
    moved: Moved


def edited_person(
    inverted: Inverted,
    low_rate: Rgb,
    baseline_matte: Matte,
    direction: Tensor,
    degree: float,
    models: ModelSet,
    mesh: FaceMesh,
    precision: Precision = "float32",
) -> EditedPerson:
    """The person of a portrait, edited.

    Args:
        inverted: the portrait.
        low_rate: the low-rate edit of its code, ``uint8 (H, H, 3)``, of the portrait's size.
        baseline_matte: person of HFGI's edit, ``float32 (H, H)`` in [0, 1].
        direction: ``(512,)`` or ``(18, 512)``.
        degree: how far ``low_rate`` is edited along it.
        models: the networks.
        mesh: finds the face in the low-rate pictures.
        precision: of the generator.
    """
    moved = motion(inverted.e4e, low_rate, mesh)
    aligned = torch.from_numpy(person_distortion(inverted.distortion, inverted.matte, moved.backward))
    made = layered_edit(inverted.w_plus[None], aligned[None], direction, degree, models, precision)
    small = resize(made, low_rate.shape[0]).clamp(-1, 1)
    layered = to_arrays(small)[0]
    (found,) = to_arrays(person_matte(small, models))
    matte = edited_person_matte(found, baseline_matte, inverted.matte, moved.backward)
    inversion = consulted_inversion(inverted.e4e, inverted.hfgi)
    backward = fitted(moved.backward, inversion, to_uint8(small)[0])
    detailed = with_detail(
        layered, signed(inverted.photo), signed(inversion), backward, moved.sureness, inverted.matte, matte
    )
    return EditedPerson(layered, np.clip(detailed, -1, 1), matte, moved)
