"""Find the ripple masks of the edits of a shard."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import write_mask
from unripple.stages.ripple import ripple_mask

threshold = snakemake.params.settings["threshold"]
operation, dilate = snakemake.wildcards.operation, int(snakemake.wildcards.dilate)
original, edited = job.index("original"), job.index("edited")
ripples = job.writer()

for photo in job.shared(original, edited):
    with ripples.photo(photo) as files:
        before, after = (job.matte(mattes.path(photo, ".png")) >= threshold for mattes in (original, edited))
        write_mask(files.path(".png"), ripple_mask(before, after, operation, dilate)[0, 0].numpy())

ripples.write(Path(snakemake.output.index))
