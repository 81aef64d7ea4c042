"""Render the true edits of the known-plate portraits of a shard: the edited person before the same plate."""

from pathlib import Path

import numpy as np
import torch

import job
from job import snakemake
from unripple.demo import compose
from unripple.images import resize, to_uint8, write_matte, write_rgb
from unripple.networks.mobile_stylegan import rows
from unripple.stages.parse import person_matte

size = snakemake.params.settings["size"]
models = job.models()
step = float(snakemake.wildcards.degree) * models.direction(snakemake.wildcards.attribute)
portraits = job.index("portraits")
truths = job.writer()

with np.load(snakemake.input.codes) as codes:
    faces = {photo: torch.from_numpy(codes[photo])[None].to(models.device) for photo in portraits}

for photo, w in faces.items():
    with truths.photo(photo) as files:
        person = models.generator(rows(w + step)).clamp(-1, 1)
        plate = job.picture(portraits.path(photo, ".plate.png")).to(models.device)
        truth = compose(person, person_matte(person, models), plate)
        write_rgb(files.path(".png"), to_uint8(resize(truth.rgb, size))[0])
        write_matte(files.path(".matte.png"), resize(truth.matte, size).clamp(0, 1)[0, 0].cpu().numpy())

truths.write(Path(snakemake.output.index))
