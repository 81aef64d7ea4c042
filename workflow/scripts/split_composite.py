"""Clean the edits of a shard: the edited person over the plate."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import to_uint8, write_rgb
from unripple.stages.composite import split_composite

edits, mattes, plates = (job.index(name) for name in ("edits", "mattes", "plates"))
cleaned = job.writer()

for photo in job.shared(edits, mattes, plates):
    with cleaned.photo(photo) as files:
        rgb = split_composite(
            job.picture(edits.path(photo, ".hfgi.png")),
            job.matte(mattes.path(photo, ".png")),
            job.picture(plates.path(photo, ".png")),
        )
        write_rgb(files.path(".png"), to_uint8(rgb)[0])

cleaned.write(Path(snakemake.output.index))
