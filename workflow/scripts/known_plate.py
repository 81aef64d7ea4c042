"""Put the generated faces of a shard before their plates."""

from pathlib import Path

import numpy as np
import torch

import job
from job import snakemake
from unripple.demo import compose, study_plate
from unripple.images import to_tensor, to_uint8, write_json, write_matte, write_rgb
from unripple.networks.mobile_stylegan import rows
from unripple.stages.parse import person_matte

SIZE = 1024

settings = snakemake.params.settings
models = job.models()
portraits = job.writer()

with np.load(snakemake.input.codes) as codes:
    faces = {photo: torch.from_numpy(codes[photo])[None].to(models.device) for photo in snakemake.params.photos}

for photo, w in faces.items():
    with portraits.photo(photo) as files:
        number = int(photo.rpartition("-")[2])
        plate = study_plate(number, settings["seed"], SIZE)
        person = models.generator(rows(w)).clamp(-1, 1)
        portrait = compose(person, person_matte(person, models), to_tensor([plate]).to(models.device))
        write_rgb(files.path(".png"), to_uint8(portrait.rgb)[0])
        write_matte(files.path(".matte.png"), portrait.matte[0, 0].cpu().numpy())
        write_rgb(files.path(".plate.png"), plate)
        write_json(files.path(".json"), {"source": f"generated, seed {settings['seed']}", "notes": []})

portraits.write(Path(snakemake.output.index))
