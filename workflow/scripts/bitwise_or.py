"""Clean the edits of a shard as the original study's code did: edited person OR background of the inversion."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import to_uint8, write_rgb
from unripple.stages.composite import bitwise_or

threshold = snakemake.params.settings["threshold"]
edits, mattes, inversions, originals = (job.index(name) for name in ("edits", "mattes", "inversions", "originals"))
cleaned = job.writer()

for photo in job.shared(edits, mattes, inversions, originals):
    with cleaned.photo(photo) as files:
        rgb = bitwise_or(
            job.picture(edits.path(photo, ".hfgi.png")),
            job.matte(mattes.path(photo, ".png")) >= threshold,
            job.picture(inversions.path(photo, ".hfgi.png")),
            job.matte(originals.path(photo, ".png")) >= threshold,
        )
        write_rgb(files.path(".png"), to_uint8(rgb)[0])

cleaned.write(Path(snakemake.output.index))
