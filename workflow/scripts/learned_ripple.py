"""Find the ripple masks of the edits of a shard with a network."""

from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import Mask, read_rgb, reduced, write_mask
from unripple.files.tensors import to_arrays, to_tensor
from unripple.jobs.index import PhotoFiles
from unripple.stages.find_ripples import found_ripples
from unripple.stages.ripple import learned_mask

models = network_job.models()
size, dilate = int(snakemake.wildcards.size), int(snakemake.wildcards.dilate)
portraits, inversions, edits = (job.index(name) for name in ("portraits", "inversions", "edits"))


def load(photo: str) -> tuple[Tensor, ...]:
    return (
        to_tensor([reduced(read_rgb(portraits.path(photo, ".png")), size)])[0],
        network_job.picture(inversions.path(photo, ".e4e.png")),
        network_job.picture(edits.path(photo, ".hfgi.png")),
        network_job.picture(edits.path(photo, ".e4e.png")),
    )


def make(photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor) -> tuple[list[Mask]]:
    found = found_ripples(photo, inversion, edit, low_rate_edit, models)
    return ([learned_mask(one, dilate) for one in to_arrays(found)],)


def save(files: PhotoFiles, mask: Mask) -> None:
    write_mask(files.path(".png"), mask)


job.each(job.shared(portraits, inversions, edits), load, make, save, models.device)
