"""Invert the portraits of a shard."""

from pathlib import Path

import numpy as np
import torch

import job
from job import snakemake
from unripple.images import resize, to_256, to_uint8, write_arrays, write_rgb
from unripple.networks.mobile_stylegan import STYLE_DIM
from unripple.stages.edit import edit
from unripple.stages.invert import invert

models = job.models()
size, steps = (snakemake.params.settings[key] for key in ("size", "refine"))
portraits = job.index("portraits")
inversions = job.writer()

for photo in portraits:
    with inversions.photo(photo) as files:
        found = invert(to_256(job.picture(portraits.path(photo, ".png"))), models, refine=steps)
        same = edit(found.w_plus, found.distortion, torch.zeros(STYLE_DIM), 0.0, models)
        write_arrays(
            files.path(".npz"),
            {
                "w_plus": found.w_plus[0].cpu().numpy(),
                "distortion": found.distortion[0].cpu().numpy().astype(np.float16),
            },
        )
        write_rgb(files.path(".e4e.png"), to_uint8(resize(found.e4e, size))[0])
        write_rgb(files.path(".hfgi.png"), to_uint8(resize(same.hfgi, size))[0])

inversions.write(Path(snakemake.output.index))
