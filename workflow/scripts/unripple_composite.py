"""Put the edited persons of a shard, with the photos' own details, over their portraits' own backgrounds."""

import numpy as np

import job
from job import snakemake
from unripple.files.pictures import Matte, Rgb, levels, read_matte, read_rgb, reduced, signed, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.composite import split_composite
from unripple.stages.detail import consulted_inversion, with_detail
from unripple.stages.motion import Moved, fitted

size, strength = int(snakemake.wildcards.size), int(snakemake.wildcards.detail) / 100
portraits, inversions, mattes, motions, edits, plates = (
    job.index(name) for name in ("portraits", "inversions", "mattes", "motions", "edits", "plates")
)


def load(photo: str) -> tuple[Rgb, Rgb, Matte, Moved, Rgb, Matte, Rgb]:
    with np.load(motions.path(photo, ".npz")) as motion:
        moved = Moved(*(motion[name].astype(np.float32) for name in Moved._fields))
    return (
        reduced(read_rgb(portraits.path(photo, ".png")), size),
        consulted_inversion(*(read_rgb(inversions.path(photo, kind)) for kind in (".e4e.png", ".hfgi.png"))),
        read_matte(mattes.path(photo, ".png")),
        moved,
        read_rgb(edits.path(photo, ".png")),
        read_matte(edits.path(photo, ".matte.png")),
        read_rgb(plates.path(photo, ".png")),
    )


def make(photo: Rgb, inversion: Rgb, before: Matte, moved: Moved, edit: Rgb, after: Matte, plate: Rgb) -> tuple[Rgb]:
    backward = fitted(moved.backward, inversion, edit)
    person = with_detail(
        signed(edit), signed(photo), signed(inversion), backward, moved.sureness, before, after, strength
    )
    return (levels(split_composite(person, after, signed(plate))),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(portraits, inversions, mattes, motions, edits, plates), load, make, save)
