"""Find the ripple masks of the edits of a shard."""

from torch import Tensor

import job
from job import snakemake
from unripple.files.pictures import write_mask
from unripple.index import PhotoFiles
from unripple.stages.ripple import ripple_mask

threshold = float(snakemake.wildcards.threshold)
operation, dilate = snakemake.wildcards.operation, int(snakemake.wildcards.dilate)
original, edited = job.index("original"), job.index("edited")


def load(photo: str) -> tuple[Tensor, ...]:
    return tuple(job.matte(mattes.path(photo, ".png")) for mattes in (original, edited))


def make(before: Tensor, after: Tensor) -> tuple[Tensor]:
    return (ripple_mask(before >= threshold, after >= threshold, operation, dilate),)


def save(files: PhotoFiles, mask: Tensor) -> None:
    write_mask(files.path(".png"), mask[0].numpy())


job.each(job.shared(original, edited), load, make, save)
