"""Edit the inverted portraits of a shard to one degree."""

from pathlib import Path

import numpy as np
import torch

import job
from job import snakemake
from unripple.images import resize, to_uint8, write_rgb
from unripple.stages.edit import edit

models = job.models()
size = snakemake.params.settings["size"]
direction = models.direction(snakemake.wildcards.attribute)
degree = float(snakemake.wildcards.degree)
inversions = job.index("inversions")
edits = job.writer()

for photo in inversions:
    with edits.photo(photo) as files:
        with np.load(inversions.path(photo, ".npz")) as inversion:
            w_plus = torch.from_numpy(inversion["w_plus"])[None]
            distortion = torch.from_numpy(inversion["distortion"].astype(np.float32))[None]
        edited = edit(w_plus, distortion, direction, degree, models)
        write_rgb(files.path(".e4e.png"), to_uint8(resize(edited.e4e, size))[0])
        write_rgb(files.path(".hfgi.png"), to_uint8(resize(edited.hfgi, size))[0])

edits.write(Path(snakemake.output.index))
