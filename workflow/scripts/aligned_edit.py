"""Edit the inverted portraits of a shard with the whole distortion map aligned otherwise than by HFGI's ADA.

By their measured motions where the rule gives some, else by ADA of true turns.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import resize, to_uint8
from unripple.jobs.index import PhotoFiles
from unripple.models.devices import refuse_slow
from unripple.models.tuned import tuned
from unripple.stages.aligned_edit import aligned_edit

models = network_job.models()
refuse_slow(snakemake.wildcards.precision, models.device)
size, degree = int(snakemake.wildcards.size), float(snakemake.wildcards.degree)
direction = network_job.direction(models)
inversions = job.index("inversions")
motions = [job.index("motions")] if job.files("motions") else []


def load(photo: str) -> tuple[Tensor, ...]:
    moved = (network_job.motion(index.path(photo, ".npz")) for index in motions)
    return (*network_job.inversion(inversions.path(photo, ".npz")), *moved)


def make(w_plus: Tensor, distortion: Tensor, moves: Tensor, backward: Tensor | None = None) -> tuple[NDArray[np.uint8]]:
    own = tuned(models, moves[0])
    edited = aligned_edit(w_plus, distortion, direction, degree, own, snakemake.wildcards.precision, backward)
    return (to_uint8(resize(edited, size)),)


def save(files: PhotoFiles, edited: Rgb) -> None:
    write_rgb(files.path(".png"), edited)


job.each(job.shared(inversions, *motions), load, make, save, models.device, batch=network_job.batch())
