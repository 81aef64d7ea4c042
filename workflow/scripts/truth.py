"""Render the true edits of the known-plate portraits of a shard: the edited person before the same plate."""

import numpy as np
import torch
from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import levels, reduced, reduced_matte, write_matte, write_rgb
from unripple.files.tensors import to_arrays
from unripple.jobs.index import PhotoFiles
from unripple.known_plate.portraits import Layers, compose
from unripple.networks.mobile_stylegan import rows
from unripple.stages.parse import person_matte

size = int(snakemake.wildcards.size)
models = network_job.models()
step = float(snakemake.wildcards.degree) * network_job.direction(models)
portraits = job.index("portraits")

with np.load(snakemake.input.codes) as codes:
    faces = {photo: torch.from_numpy(codes[photo]) for photo in portraits}


def load(photo: str) -> tuple[Tensor, ...]:
    return faces[photo], network_job.picture(portraits.path(photo, ".plate.png"))


def make(w: Tensor, plate: Tensor) -> tuple[list[Layers]]:
    person = models.generator(rows(w) + step).clamp(-1, 1)
    layers = zip(*(to_arrays(batch) for batch in (person, person_matte(person, models), plate)), strict=True)
    return ([compose(*one) for one in layers],)


def save(files: PhotoFiles, truth: Layers) -> None:
    write_rgb(files.path(".png"), reduced(levels(truth.rgb), size))
    write_matte(files.path(".matte.png"), reduced_matte(truth.matte, size))


job.each(faces, load, make, save, models.device)
