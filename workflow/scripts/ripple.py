"""Find the ripple masks of the edits of a shard."""

import job
from job import snakemake
from unripple.files.pictures import Mask, Matte, read_matte, write_mask
from unripple.jobs.index import PhotoFiles
from unripple.stages.ripple import ripple_mask

threshold = float(snakemake.wildcards.threshold)
operation, dilate = snakemake.wildcards.operation, int(snakemake.wildcards.dilate)
original, edited = job.index("original"), job.index("edited")


def load(photo: str) -> tuple[Matte, ...]:
    return tuple(read_matte(mattes.path(photo, ".png")) for mattes in (original, edited))


def make(before: Matte, after: Matte) -> tuple[Mask]:
    return (ripple_mask(before >= threshold, after >= threshold, operation, dilate),)


def save(files: PhotoFiles, mask: Mask) -> None:
    write_mask(files.path(".png"), mask)


job.each(job.shared(original, edited), load, make, save)
