"""Take the person out of the portraits of a shard."""

from torch import Tensor

import job
from job import snakemake
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import resize, to_uint8
from unripple.index import PhotoFiles
from unripple.stages.inpaint import inpaint
from unripple.stages.ripple import person_mask

size, threshold = int(snakemake.wildcards.size), float(snakemake.wildcards.threshold)
inpainter, device = job.inpainter()
portraits, mattes = job.index("portraits"), job.index("mattes")


def load(photo: str) -> tuple[Tensor, ...]:
    return job.picture(portraits.path(photo, ".png")), job.matte(mattes.path(photo, ".png"))


def make(portrait: Tensor, matte: Tensor) -> tuple[Rgb]:
    hole = person_mask(matte >= threshold, int(snakemake.wildcards.dilate))
    return (to_uint8(inpaint(resize(portrait, size), hole, inpainter)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(portraits, mattes), load, make, save, device)
