"""Known-plate pairs on which it is known where an after-image shows: made from rendered faces, kept, made only once.

A pair is a face before a plate, inverted and edited by the models in use, and its true edit before the same plate. A
file of pairs has ``photo, inversion, edit, low_rate_edit, truth uint8 (N, 256, 256, 3)``, ``person uint8 (N, 256,
256)``, the matte of the turned person, ``degree float32 (N,)`` and the models' checksums. All pictures are as HFGI's
encoders look at them (`to_256`).

The faces should be some that neither encoder nor consultation was trained on: both are better on those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from unripple.files.checksum import sha256
from unripple.files.data import write_arrays
from unripple.files.pictures import Rgb, levels, signed
from unripple.files.tensors import to_256, to_arrays, to_tensor, to_uint8
from unripple.known_plate.after_image import KnownEdit
from unripple.known_plate.plates import plate, training_plate
from unripple.known_plate.portraits import Layers, compose
from unripple.models import ModelSet
from unripple.models.lite import LiteModels
from unripple.networks.mobile_stylegan import rows
from unripple.settings.plates import STUDY_PLATES
from unripple.stages.edit import edit
from unripple.training.rendered_faces import FARTHEST
from unripple.weights import lite

#: Pairs in a file: a making that is stopped loses no more than these.
PART: Final = 50
#: How far a face is turned at least, to either side, and how far in all: many of the rendered faces are turned already.
NEAREST, IN_ALL = 0.5, 5.0
#: The share of codes that lie between the encoder's guess and the truth, and how far at most: studies refine codes.
REFINED, NEAR = 2 / 3, 0.7

#: Trained on; or held out, before plates of the study, which no training sees.
Kind = Literal["seen", "unseen"]
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Pair:
    """``known``: the pictures; ``person: uint8 (H, W)``, the matte of the turned person."""

    known: KnownEdit
    person: NDArray[np.uint8]


class Part(NamedTuple):
    """Some faces of a chunk, ``start`` to ``end``."""

    faces: Path
    start: int
    end: int

    def name(self, kind: Kind) -> str:
        """Of the file of pairs that they become."""
        return f"{kind}~{self.faces.stem.partition('~')[2]}-{self.start:03d}.npz"


def parts(chunks: Sequence[Path]) -> list[Part]:
    """Chunks of rendered faces, cut into `PART` faces."""
    found = []
    for file in chunks:
        with np.load(file) as arrays:
            count = len(arrays["w"])
        found += [Part(file, start, min(start + PART, count)) for start in range(0, count, PART)]
    return found


def split(found: Sequence[Part], pairs: int, held_out: int) -> dict[Kind, list[Part]]:
    """The first parts to train on, the last ones held out: as many as have so many faces.

    Raises ``ValueError`` if there are too few faces for both.
    """
    chosen: dict[Kind, list[Part]] = {
        "seen": list(_enough(found, pairs)),
        "unseen": list(_enough(found[::-1], held_out)),
    }
    if not chosen["seen"] or not chosen["unseen"] or {*chosen["seen"]} & {*chosen["unseen"]}:
        faces = sum(part.end - part.start for part in found)
        raise ValueError(
            f"expected faces for {pairs} pairs and {held_out} held out, found {faces} in {len(found)} parts; make more"
            " with `python -m unripple.training.rendered_faces`, or ask for fewer pairs"
        )
    return chosen


def _enough(found: Sequence[Part], faces: int) -> Iterator[Part]:
    for part in found:
        if faces <= 0:
            return
        yield part
        faces -= part.end - part.start


def made_by(models: Path) -> str:
    """The checksums of the files of models whose edits the pairs show."""
    files = (lite.GENERATOR, lite.ENCODER, lite.CONSULTATION, lite.DIRECTIONS, lite.PARSER)
    return " ".join(sha256(models / name)[:16] for name in files)


def random_degree(face: float, random: Generator) -> float:
    """How far to turn a face that is turned by ``face`` already; away from its side if that would be too far."""
    degree = float(random.uniform(NEAREST, FARTHEST) * random.choice([-1, 1]))
    return -degree if abs(face + degree) > IN_ALL else degree


@torch.no_grad()
def make_pair(face: Rgb, w: Tensor, behind: Rgb, degree: float, near: float, models: ModelSet) -> Pair:
    """A pair of one face.

    Args:
        face: the rendered face, ``uint8 (256, 256, 3)``.
        w: its code, ``(512,)``.
        behind: the plate, ``uint8 (256, 256, 3)``.
        degree: of pose.
        near: how near the photo's code comes to ``w``: 0 is the encoder's guess, 1 the truth.
        models: the networks.
    """
    turned = models.small_picture(rows((w + degree * models.direction("pose"))[None]))
    before, truth = (_before(person, behind, models) for person in (to_tensor([face]).to(models.device), turned))
    photo = levels(before.rgb)
    seen = to_tensor([photo]).to(models.device)
    code = rows(torch.lerp(models.encoder(seen)[:, 0], w[None].to(models.device), near))
    inversion = models.small_picture(code)
    edited = edit(code, seen - inversion, models.direction("pose"), degree, models)
    known = KnownEdit(
        photo=photo,
        inversion=to_uint8(inversion)[0],
        edit=to_uint8(to_256(edited.hfgi))[0],
        low_rate_edit=to_uint8(to_256(edited.e4e))[0],
        truth=levels(truth.rgb),
    )
    return Pair(known, np.round(truth.matte * 255).astype(np.uint8))


def _before(person: Tensor, behind: Rgb, models: ModelSet) -> Layers:
    """A generated person before a plate."""
    (rgb,), (matte,) = to_arrays(person), to_arrays(models.parser(person))
    return compose(rgb, matte, signed(behind))


def random_plate(kind: Kind, random: Generator, size: int = 256) -> Rgb:
    """What stands behind a face: of the trainings' plates or, for those held out, of the study's."""
    if kind == "seen":
        return training_plate(random, size)
    return plate(STUDY_PLATES[int(random.integers(len(STUDY_PLATES)))], random, size)


def make_part(part: Part, kind: Kind, models: ModelSet, seed: int = 0) -> Arrays:
    """The pairs of a part as a file has them; a function of the faces, the models, the part's place and ``seed``."""
    with np.load(part.faces) as arrays:
        faces, codes, degrees = (arrays[key][part.start : part.end] for key in ("rgb", "w", "degree"))
    random = np.random.default_rng([seed, int(part.faces.stem.partition("~")[2]), part.start])
    found: dict[str, list[NDArray[np.generic]]] = {}
    turns: list[float] = []
    for face, w, turned in zip(faces, torch.from_numpy(codes), degrees, strict=True):
        behind, degree = random_plate(kind, random), random_degree(float(turned), random)
        near = float(random.uniform(0, NEAR)) * bool(random.random() < REFINED)
        pair = make_pair(face, w.to(models.device), behind, degree, near, models)
        for name, picture in {**vars(pair.known), "person": pair.person}.items():
            found.setdefault(name, []).append(picture)
        turns.append(degree)
    return {name: np.stack(pictures) for name, pictures in found.items()} | {"degree": np.array(turns, np.float32)}


def make_all(chosen: dict[Kind, list[Part]], cache: Path, models: LiteModels, seed: int = 0) -> dict[Kind, list[Path]]:
    """The files of pairs; those that are not in ``cache`` yet, or were made by other models, are made."""
    by = made_by(models.folder)
    files: dict[Kind, list[Path]] = {kind: [cache / part.name(kind) for part in some] for kind, some in chosen.items()}
    cache.mkdir(parents=True, exist_ok=True)
    for kind, some in chosen.items():
        for part, file in zip(tqdm(some, desc=f"pairs, {kind}", mininterval=10), files[kind], strict=True):
            if not _is_by(file, by):
                write_arrays(file, {**make_part(part, kind, models, seed), "models": np.array(by)})
    return files


def _is_by(file: Path, models: str) -> bool:
    if not file.exists():
        return False
    with np.load(file) as arrays:
        return str(arrays["models"]) == models
