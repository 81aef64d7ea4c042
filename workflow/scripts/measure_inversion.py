"""Compare the inversions of a shard with their photos."""

import json
from pathlib import Path

import pandas as pd

import job
import network_job  # noqa: F401 - its threads
from job import snakemake
from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import read_rgb, reduced
from unripple.files.tables import write_table
from unripple.metrics.inversion import measure_inversion
from unripple.metrics.inversion_table import INVERSIONS
from unripple.models.devices import chosen_device
from unripple.weights.lpips_alex import load_lpips_alex
from unripple.weights.st_lpips import load_st_lpips

size, device = int(snakemake.wildcards.size), chosen_device()
portraits, inversions = job.index("portraits"), job.index("inversions")
st_lpips, faces = load_st_lpips().to(device), FaceMeter()
trunk = job.files("alexnet")
lpips = load_lpips_alex(trunk[0].parents[1]).to(device) if trunk else None

rows = []
for photo in job.shared(portraits, inversions):
    plate = json.loads(portraits.path(photo, ".json").read_text(encoding="utf-8")).get("plate")
    about = {"photo": photo, "plate": plate, "known_plate": plate is not None}
    pictures = {method: read_rgb(inversions.path(photo, f".{method}.png")) for method in INVERSIONS}
    original = reduced(read_rgb(portraits.path(photo, ".png")), size)
    measured = measure_inversion(original, pictures, st_lpips, faces, lpips)
    rows += [{**about, "method": method, **found} for method, found in measured.items()]
write_table(Path(snakemake.output.rows), pd.DataFrame(rows, columns=None if rows else ["photo"]))
job.write_record(device)
