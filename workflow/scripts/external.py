"""Take over the edits of a shard that another system made."""

from pathlib import Path

import job
from job import snakemake
from unripple.files.pictures import Rgb, write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.photos.outside import picture_name
from unripple.stages.external import read_edit

size, name = int(snakemake.wildcards.size), snakemake.wildcards.external
stem = picture_name(snakemake.wildcards.attribute, float(snakemake.wildcards.degree))
folder, pictures = snakemake.params.photos["folder"], snakemake.params.photos["pictures"]


def load(photo: str) -> tuple[Rgb]:
    file = pictures.get(photo)
    wanted = f"{name}: {Path(folder, photo, stem)}"
    return (read_edit(None if file is None else Path(file), wanted, size),)


def make(rgb: Rgb) -> tuple[Rgb]:
    return (rgb,)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.index("portraits"), load, make, save)
