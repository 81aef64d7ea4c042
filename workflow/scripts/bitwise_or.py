"""Clean the edits of a shard as the original study's code did: edited person OR background of the inversion."""

import job
from job import snakemake
from unripple.files.pictures import Matte, Rgb, read_matte, read_rgb, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.composite import bitwise_or

threshold = float(snakemake.wildcards.threshold)
edits, mattes, inversions, originals = (job.index(name) for name in ("edits", "mattes", "inversions", "originals"))


def load(photo: str) -> tuple[Rgb, Matte, Rgb, Matte]:
    return (
        read_rgb(edits.path(photo, ".hfgi.png")),
        read_matte(mattes.path(photo, ".png")),
        read_rgb(inversions.path(photo, ".hfgi.png")),
        read_matte(originals.path(photo, ".png")),
    )


def make(hfgi: Rgb, edited: Matte, inversion: Rgb, original: Matte) -> tuple[Rgb]:
    return (bitwise_or(hfgi, edited >= threshold, inversion, original >= threshold),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, inversions, originals), load, make, save)
