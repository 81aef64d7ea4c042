"""Measure the embedded encoder, consultation and pose edit on unseen faces: the figures of the model cards.

``python -m unripple.training.evaluate --models models/lite --faces 200``
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from unripple.detectors.dlib_faces import FaceMeter, identity_distance
from unripple.files.pictures import signed
from unripple.files.tensors import resize, to_256, to_arrays, to_uint8
from unripple.jobs import allocator
from unripple.known_plate.plates import plate
from unripple.models import ModelSet, lite
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler
from unripple.settings.plates import STUDY_PLATES
from unripple.stages.composite import over
from unripple.stages.edit import edit
from unripple.stages.invert import invert
from unripple.stages.refine import begun

#: The seed of the faces measured on; trainings use others.
SEED = 990_001
#: Side at which faces are measured.
SIDE = 256


def psnr(a: Tensor, b: Tensor) -> float:
    """PSNR in dB of pictures in [-1, 1] (peak 2)."""
    return float(10 * torch.log10(4 / F.mse_loss(a, b)))


@torch.no_grad()
def figures(models: ModelSet, faces: int, pose_faces: int, refine: int) -> dict[str, float]:
    """Medians over ``faces`` unseen codes, as rendered and before plates of the study, which no training saw.

    ``dlib_*``: identity distance of photo and low-rate inversion; ``dlib_again_*``: when the encoder has also read the
    picture of its own code, before any gradient step; ``psnr_e4e_*`` and ``psnr_hfgi_*``: PSNR at 256 px.
    ``yaw_at_*``: mean yaw in degrees gained at a pose degree, over the first ``pose_faces``.
    """
    meter, random = FaceMeter(), np.random.default_rng(SEED)
    names = sorted(STUDY_PLATES)
    found: dict[str, list[float]] = {}
    for number, w in enumerate(tqdm(CodeSampler(models.mapping, seed=SEED).draw(faces).split(1), mininterval=10)):
        rendered = to_256(models.generator(rows(w)))
        backdrop = signed(plate(names[number % len(names)], random, SIDE))
        (person,), (matte,) = to_arrays(rendered), to_arrays(models.parser(rendered))
        composed = torch.from_numpy(over(person, matte, backdrop)).permute(2, 0, 1)[None].contiguous()
        for kind, photo in (("rendered", rendered), ("plate", composed)):
            inversion = invert(photo, models, "hybrid" if refine else "e4e", refine)
            low = to_256(inversion.e4e)
            high = to_256(edit(inversion.w_plus, inversion.distortion, torch.zeros(512), 0, models).hfgi)
            found.setdefault(f"psnr_e4e_{kind}", []).append(psnr(low, photo))
            found.setdefault(f"psnr_hfgi_{kind}", []).append(psnr(high, photo))
            corrected, _ = begun(photo, models.encoder(photo), models)
            again = to_256(models.generator(rows(corrected[:, 0])))
            seen = meter.measure(to_uint8(photo)[0])
            for name, rgb in ((f"dlib_{kind}", low), (f"dlib_again_{kind}", again)):
                made = meter.measure(to_uint8(rgb)[0])
                if seen is not None and made is not None:
                    found.setdefault(name, []).append(identity_distance(seen.descriptor, made.descriptor))
        if number < pose_faces:
            yaws = {
                degree: meter.measure(
                    to_uint8(resize(models.generator(rows(w + degree * models.direction("pose"))).clamp(-1, 1), SIDE))[
                        0
                    ]
                )
                for degree in (0.0, 1.5, 3.0, -1.5, -3.0)
            }
            start = yaws[0.0]
            for degree, face in yaws.items():
                if degree and start is not None and face is not None:
                    found.setdefault(f"yaw_at_{degree:g}", []).append(face.yaw - start.yaw)
    return {
        key: round(float(np.mean(values) if key.startswith("yaw") else np.median(values)), 3)
        for key, values in sorted(found.items())
    } | {"faces": faces, "refine": refine}


def main(
    models: Annotated[Path, typer.Option()] = Path("models/lite"),
    faces: Annotated[int, typer.Option(min=1)] = 200,
    pose_faces: Annotated[int, typer.Option(min=0)] = 30,
    refine: Annotated[int, typer.Option(min=0, help="Gradient steps on the encoder's codes.")] = 0,
) -> None:
    """Print the figures as JSON."""
    print(json.dumps(figures(lite.load(models), faces, pose_faces, refine), indent=1))


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
