"""Take the person out of the portraits of a shard."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import resize, to_uint8, write_rgb
from unripple.stages.inpaint import inpaint
from unripple.stages.ripple import person_mask

settings = snakemake.params.settings
inpainter, device = job.inpainter()
portraits, mattes = job.index("portraits"), job.index("mattes")
plates = job.writer()

for photo in job.shared(portraits, mattes):
    with plates.photo(photo) as files:
        portrait = resize(job.picture(portraits.path(photo, ".png")), settings["size"])
        person = job.matte(mattes.path(photo, ".png")) >= settings["threshold"]
        hole = person_mask(person, int(snakemake.wildcards.dilate))
        write_rgb(files.path(".png"), to_uint8(inpaint(portrait.to(device), hole.to(device), inpainter))[0])

plates.write(Path(snakemake.output.index))
