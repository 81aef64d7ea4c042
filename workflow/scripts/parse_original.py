"""Find the person in the portraits of a shard, or in their inversions."""

from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import write_matte
from unripple.files.tensors import resize
from unripple.jobs.index import PhotoFiles
from unripple.settings.parsing import read
from unripple.stages.parse import person_matte

models = network_job.models()
parsing = read(snakemake.wildcards.parse)
size, ending = int(snakemake.wildcards.size), snakemake.params.ending
pictures = job.index("pictures")


def load(photo: str) -> tuple[Tensor, ...]:
    return (network_job.picture(pictures.path(photo, ending)),)


def make(rgb: Tensor) -> tuple[Tensor]:
    return (person_matte(resize(rgb, size), models, parsing).cpu(),)


def save(files: PhotoFiles, matte: Tensor) -> None:
    write_matte(files.path(".png"), matte[0].numpy())


job.each(pictures, load, make, save, models.device)
