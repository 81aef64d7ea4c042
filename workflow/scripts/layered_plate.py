"""Fill what the edits of a shard uncover of the portraits' own backgrounds."""

import job
from job import snakemake
from painter import painter
from unripple.files.pictures import Matte, Rgb, levels, read_matte, read_rgb, reduced, signed, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.composite import settled
from unripple.stages.plate import layered_plate

size, grow = int(snakemake.wildcards.size), int(snakemake.wildcards.grow)
inpainter, device = painter()
portraits, mattes, edits = job.index("portraits"), job.index("mattes"), job.index("edits")


def load(photo: str) -> tuple[Rgb, Matte, Matte]:
    return (
        reduced(read_rgb(portraits.path(photo, ".png")), size),
        read_matte(mattes.path(photo, ".png")),
        read_matte(edits.path(photo, ".matte.png")),
    )


def make(portrait: Rgb, before: Matte, after: Matte) -> tuple[Rgb]:
    return (levels(layered_plate(signed(portrait), before, settled(after), inpainter, grow)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(portraits, mattes, edits), load, make, save, device, alone=True)
