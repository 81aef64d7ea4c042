"""Clean the edits of a shard as the original study's code did: edited person OR background of the inversion."""

from torch import Tensor

import job
from job import snakemake
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import to_uint8
from unripple.index import PhotoFiles
from unripple.stages.composite import bitwise_or

threshold = float(snakemake.wildcards.threshold)
edits, mattes, inversions, originals = (job.index(name) for name in ("edits", "mattes", "inversions", "originals"))


def load(photo: str) -> tuple[Tensor, ...]:
    return (
        job.picture(edits.path(photo, ".hfgi.png")),
        job.matte(mattes.path(photo, ".png")),
        job.picture(inversions.path(photo, ".hfgi.png")),
        job.matte(originals.path(photo, ".png")),
    )


def make(hfgi: Tensor, edited: Tensor, inversion: Tensor, original: Tensor) -> tuple[Rgb]:
    return (to_uint8(bitwise_or(hfgi, edited >= threshold, inversion, original >= threshold)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, inversions, originals), load, make, save)
