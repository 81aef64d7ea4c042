"""Clean the edits of a shard: the fills of their ripple masks, behind the edited person."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import to_uint8, write_rgb
from unripple.stages.composite import ripple_inpaint

feather = int(snakemake.wildcards.feather)
edits, mattes, ripples, fills = (job.index(name) for name in ("edits", "mattes", "ripples", "fills"))
cleaned = job.writer()

for photo in job.shared(edits, mattes, ripples, fills):
    with cleaned.photo(photo) as files:
        rgb = ripple_inpaint(
            job.picture(edits.path(photo, ".hfgi.png")),
            job.mask(ripples.path(photo, ".png")),
            job.picture(fills.path(photo, ".png")),
            job.matte(mattes.path(photo, ".png")),
            feather,
        )
        write_rgb(files.path(".png"), to_uint8(rgb)[0])

cleaned.write(Path(snakemake.output.index))
