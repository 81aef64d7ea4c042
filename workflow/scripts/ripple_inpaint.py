"""Clean the edits of a shard: the fills of their ripple masks, behind the edited person."""

import job
from job import snakemake
from unripple.files.pictures import Mask, Matte, Rgb, levels, read_mask, read_matte, read_rgb, signed, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.composite import ripple_inpaint

feather = int(snakemake.wildcards.feather)
edits, mattes, ripples, fills = (job.index(name) for name in ("edits", "mattes", "ripples", "fills"))


def load(photo: str) -> tuple[Rgb, Mask, Rgb, Matte]:
    return (
        read_rgb(edits.path(photo, ".hfgi.png")),
        read_mask(ripples.path(photo, ".png")),
        read_rgb(fills.path(photo, ".png")),
        read_matte(mattes.path(photo, ".png")),
    )


def make(hfgi: Rgb, mask: Mask, fill: Rgb, matte: Matte) -> tuple[Rgb]:
    return (levels(ripple_inpaint(signed(hfgi), mask, signed(fill), matte, feather)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, ripples, fills), load, make, save)
