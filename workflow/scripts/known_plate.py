"""Put the generated faces of a shard before their plates."""

import numpy as np
import torch
from torch import Tensor

import job
from job import snakemake
from unripple.demo import compose, study_plate
from unripple.files.data import write_json
from unripple.files.pictures import Rgb, write_matte, write_rgb
from unripple.files.tensors import to_tensor, to_uint8
from unripple.index import PhotoFiles
from unripple.networks.mobile_stylegan import rows
from unripple.stages.parse import person_matte

SIZE = 1024

settings = snakemake.params.settings
models = job.models()

with np.load(snakemake.input.codes) as codes:
    faces = {photo: torch.from_numpy(codes[photo]) for photo in snakemake.params.photos}


def load(photo: str) -> tuple[Tensor, ...]:
    number = int(photo.rpartition("-")[2])
    return faces[photo], to_tensor([study_plate(number, settings["seed"], SIZE, settings["plates"])])[0]


def make(w: Tensor, plate: Tensor) -> tuple[Rgb, Tensor, Rgb]:
    person = models.generator(rows(w)).clamp(-1, 1)
    portrait = compose(person, person_matte(person, models), plate)
    return to_uint8(portrait.rgb), portrait.matte.cpu(), to_uint8(plate)


def save(files: PhotoFiles, rgb: Rgb, matte: Tensor, plate: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)
    write_matte(files.path(".matte.png"), matte[0].numpy())
    write_rgb(files.path(".plate.png"), plate)
    write_json(files.path(".json"), {"source": f"generated, seed {settings['seed']}", "notes": []})


job.each(faces, load, make, save, models.device)
