"""Take the person out of the portraits of a shard."""

import job
from job import snakemake
from painter import painter
from unripple.files.pictures import Matte, Rgb, levels, read_matte, read_rgb, reduced, signed, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.inpaint import inpaint
from unripple.stages.ripple import person_mask

size, threshold = int(snakemake.wildcards.size), float(snakemake.wildcards.threshold)
inpainter, device = painter()
portraits, mattes = job.index("portraits"), job.index("mattes")


def load(photo: str) -> tuple[Rgb, Matte]:
    return reduced(read_rgb(portraits.path(photo, ".png")), size), read_matte(mattes.path(photo, ".png"))


def make(portrait: Rgb, matte: Matte) -> tuple[Rgb]:
    hole = person_mask(matte >= threshold, int(snakemake.wildcards.dilate))
    return (levels(inpaint(signed(portrait), hole, inpainter)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(portraits, mattes), load, make, save, device, alone=True)
