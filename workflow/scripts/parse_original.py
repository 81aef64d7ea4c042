"""Find the person in the portraits of a shard, or in their inversions."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import resize, write_matte
from unripple.stages.parse import person_matte

models = job.models()
size = snakemake.params.settings["size"]
ending = ".png" if snakemake.wildcards.original == "photo" else ".hfgi.png"
pictures = job.index("pictures")
mattes = job.writer()

for photo in pictures:
    with mattes.photo(photo) as files:
        matte = person_matte(resize(job.picture(pictures.path(photo, ending)), size), models)
        write_matte(files.path(".png"), matte[0, 0].cpu().numpy())

mattes.write(Path(snakemake.output.index))
