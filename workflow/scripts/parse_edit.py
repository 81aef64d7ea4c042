"""Find the person in the edits of a shard."""

from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import write_matte
from unripple.jobs.index import PhotoFiles
from unripple.settings.parsing import read
from unripple.stages.parse import person_matte

models = network_job.models()
parsing = read(snakemake.wildcards.parse)
edits = job.index("edits")


def load(photo: str) -> tuple[Tensor, ...]:
    return (network_job.picture(edits.path(photo, ".hfgi.png")),)


def make(hfgi: Tensor) -> tuple[Tensor]:
    return (person_matte(hfgi, models, parsing).cpu(),)


def save(files: PhotoFiles, matte: Tensor) -> None:
    write_matte(files.path(".png"), matte[0].numpy())


job.each(edits, load, make, save, models.device)
