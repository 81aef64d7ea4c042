"""Put the generated faces of a shard before their plates."""

import numpy as np
import torch
from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.data import write_json
from unripple.files.pictures import Rgb, levels, signed, write_matte, write_rgb
from unripple.files.tensors import to_arrays
from unripple.jobs.index import PhotoFiles
from unripple.known_plate.portraits import Layers, compose, plate_name, study_plate
from unripple.networks.mobile_stylegan import rows
from unripple.stages.parse import person_matte

SIZE = 1024

settings = snakemake.params.settings
models = network_job.models()

with np.load(snakemake.input.codes) as codes:
    faces = {photo: torch.from_numpy(codes[photo]) for photo in snakemake.params.photos}


def number(photo: str) -> int:
    return int(photo.rpartition("-")[2])


def load(photo: str) -> tuple[Tensor, ...]:
    return faces[photo], torch.from_numpy(study_plate(number(photo), settings["seed"], SIZE, settings["plates"]))


def make(w: Tensor, plate: Tensor) -> tuple[list[Layers], list[Rgb]]:
    person = models.generator(rows(w)).clamp(-1, 1)
    layers = zip(
        to_arrays(person), to_arrays(person_matte(person, models)), plates := list(plate.cpu().numpy()), strict=True
    )
    return [compose(rgb, matte, signed(behind)) for rgb, matte, behind in layers], plates


def save(files: PhotoFiles, portrait: Layers, plate: Rgb) -> None:
    write_rgb(files.path(".png"), levels(portrait.rgb))
    write_matte(files.path(".matte.png"), portrait.matte)
    write_rgb(files.path(".plate.png"), plate)
    about = files.path(".json")
    behind = plate_name(number(about.stem), settings["plates"])
    write_json(about, {"source": f"generated, seed {settings['seed']}", "plate": behind, "notes": []})


job.each(faces, load, make, save, models.device)
