"""Invert the edits of a shard again and edit them back to where they came from."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

import job
import network_job
from job import snakemake
from unripple.files.pictures import read_rgb
from unripple.files.tables import write_table
from unripple.metrics.inversion import consistency, edited_back
from unripple.metrics.inversion_table import CONSISTENCY, INVERSIONS
from unripple.settings import inverters
from unripple.stages.invert import encode

models = network_job.models()
inverter, degree = inverters.read(snakemake.wildcards.invert), float(snakemake.wildcards.degree)
direction = network_job.direction(models)
portraits, inversions, edits = (job.index(name) for name in ("portraits", "inversions", "edits"))

rows = []
for photo in job.shared(portraits, inversions, edits):
    plate = json.loads(portraits.path(photo, ".json").read_text(encoding="utf-8")).get("plate")
    about = {"photo": photo, "plate": plate, "known_plate": plate is not None, "degree": degree}
    with np.load(inversions.path(photo, ".npz")) as inversion:
        code = inversion["w_plus"]
    for method in INVERSIONS:
        picture = read_rgb(edits.path(photo, f".{method}.png"))
        back = edited_back(picture, lambda rgb: encode(models.seen(rgb), models, *inverter), direction, degree)
        rows.append({**about, "method": method, CONSISTENCY: consistency(code, back)})
write_table(Path(snakemake.output.rows), pd.DataFrame(rows, columns=None if rows else ["photo"]))
job.write_record(models.device)
