"""Render the true edits of the known-plate portraits of a shard: the edited person before the same plate."""

import numpy as np
import torch
from torch import Tensor

import job
from job import snakemake
from unripple.demo import compose
from unripple.files.pictures import Rgb, write_matte, write_rgb
from unripple.files.tensors import resize, to_uint8
from unripple.index import PhotoFiles
from unripple.networks.mobile_stylegan import rows
from unripple.stages.parse import person_matte

size = int(snakemake.wildcards.size)
models = job.models()
step = float(snakemake.wildcards.degree) * models.direction(snakemake.wildcards.attribute)
portraits = job.index("portraits")

with np.load(snakemake.input.codes) as codes:
    faces = {photo: torch.from_numpy(codes[photo]) for photo in portraits}


def load(photo: str) -> tuple[Tensor, ...]:
    return faces[photo], job.picture(portraits.path(photo, ".plate.png"))


def make(w: Tensor, plate: Tensor) -> tuple[Rgb, Tensor]:
    person = models.generator(rows(w + step)).clamp(-1, 1)
    truth = compose(person, person_matte(person, models), plate)
    return to_uint8(resize(truth.rgb, size)), resize(truth.matte, size).clamp(0, 1).cpu()


def save(files: PhotoFiles, rgb: Rgb, matte: Tensor) -> None:
    write_rgb(files.path(".png"), rgb)
    write_matte(files.path(".matte.png"), matte[0].numpy())


job.each(faces, load, make, save, models.device)
