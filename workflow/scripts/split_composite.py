"""Clean the edits of a shard: the edited person over the plate."""

import job
from unripple.files.pictures import Matte, Rgb, levels, read_matte, read_rgb, signed, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.composite import split_composite

edits, mattes, plates = (job.index(name) for name in ("edits", "mattes", "plates"))


def load(photo: str) -> tuple[Rgb, Matte, Rgb]:
    return (
        read_rgb(edits.path(photo, ".hfgi.png")),
        read_matte(mattes.path(photo, ".png")),
        read_rgb(plates.path(photo, ".png")),
    )


def make(hfgi: Rgb, matte: Matte, plate: Rgb) -> tuple[Rgb]:
    return (levels(split_composite(signed(hfgi), matte, signed(plate))),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, plates), load, make, save)
