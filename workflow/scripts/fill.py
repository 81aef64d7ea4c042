"""Fill the ripple masks in the edits of a shard."""

from pathlib import Path

import job
from job import snakemake
from unripple.images import to_uint8, write_rgb
from unripple.stages.composite import settled
from unripple.stages.inpaint import inpaint

inpainter, device = job.inpainter()
edits, mattes, ripples = job.index("edits"), job.index("mattes"), job.index("ripples")
fills = job.writer()

for photo in job.shared(edits, mattes, ripples):
    with fills.photo(photo) as files:
        hfgi = job.picture(edits.path(photo, ".hfgi.png")).to(device)
        mask = job.mask(ripples.path(photo, ".png")).to(device)
        person = settled(job.matte(mattes.path(photo, ".png"))).to(device) > 0
        # The composite, which puts the person back, makes the soft edge.
        filled = inpaint(hfgi, mask, inpainter, feather=0, hidden=person)
        write_rgb(files.path(".png"), to_uint8(filled)[0])

fills.write(Path(snakemake.output.index))
