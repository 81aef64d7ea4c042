"""Find the person in the edits of a shard."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import write_matte
from unripple.stages.parse import person_matte

models = job.models()
edits = job.index("edits")
mattes = job.writer()

for photo in edits:
    with mattes.photo(photo) as files:
        matte = person_matte(job.picture(edits.path(photo, ".hfgi.png")), models)
        write_matte(files.path(".png"), matte[0, 0].cpu().numpy())

mattes.write(Path(snakemake.output.index))
