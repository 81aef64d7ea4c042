"""Fill the ripple masks in the edits of a shard."""

import job
from painter import painter
from unripple.files.pictures import Mask, Matte, Rgb, levels, read_mask, read_matte, read_rgb, signed, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.composite import settled
from unripple.stages.inpaint import inpaint

inpainter, device = painter()
edits, mattes, ripples = job.index("edits"), job.index("mattes"), job.index("ripples")


def load(photo: str) -> tuple[Rgb, Mask, Matte]:
    return (
        read_rgb(edits.path(photo, ".hfgi.png")),
        read_mask(ripples.path(photo, ".png")),
        read_matte(mattes.path(photo, ".png")),
    )


def make(hfgi: Rgb, mask: Mask, matte: Matte) -> tuple[Rgb]:
    # The composite, which puts the person back, makes the soft edge.
    return (levels(inpaint(signed(hfgi), mask, inpainter, feather=0, hidden=settled(matte) > 0)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, ripples), load, make, save, device, alone=True)
