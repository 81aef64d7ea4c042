"""Clean the edits of a shard: the fills of their ripple masks, behind the edited person."""

from torch import Tensor

import job
from job import snakemake
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import to_uint8
from unripple.index import PhotoFiles
from unripple.stages.composite import ripple_inpaint

feather = int(snakemake.wildcards.feather)
edits, mattes, ripples, fills = (job.index(name) for name in ("edits", "mattes", "ripples", "fills"))


def load(photo: str) -> tuple[Tensor, ...]:
    return (
        job.picture(edits.path(photo, ".hfgi.png")),
        job.mask(ripples.path(photo, ".png")),
        job.picture(fills.path(photo, ".png")),
        job.matte(mattes.path(photo, ".png")),
    )


def make(hfgi: Tensor, mask: Tensor, fill: Tensor, matte: Tensor) -> tuple[Rgb]:
    return (to_uint8(ripple_inpaint(hfgi, mask, fill, matte, feather)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, ripples, fills), load, make, save)
