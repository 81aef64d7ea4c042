"""Put the edited persons of a shard over their portraits' own backgrounds."""

import job
from unripple.files.pictures import Matte, Rgb, levels, read_matte, read_rgb, signed, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.composite import split_composite

edits, plates = job.index("edits"), job.index("plates")


def load(photo: str) -> tuple[Rgb, Matte, Rgb]:
    return (
        read_rgb(edits.path(photo, ".png")),
        read_matte(edits.path(photo, ".matte.png")),
        read_rgb(plates.path(photo, ".png")),
    )


def make(edit: Rgb, matte: Matte, plate: Rgb) -> tuple[Rgb]:
    return (levels(split_composite(signed(edit), matte, signed(plate))),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, plates), load, make, save)
