"""Edit the inverted portraits of a shard with the person's details moved to where the edited person is."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import Matte, Rgb, write_matte, write_rgb
from unripple.files.tensors import resize, to_arrays, to_uint8
from unripple.jobs.index import PhotoFiles
from unripple.models.devices import refuse_slow
from unripple.models.tuned import tuned
from unripple.settings.parsing import read
from unripple.stages.layered import layered_edit, person_distortions
from unripple.stages.main_person import edited_person_matte
from unripple.stages.parse import person_matte

models = network_job.models()
parsing = read(snakemake.wildcards.parse)
refuse_slow(snakemake.wildcards.precision, models.device)
size = int(snakemake.wildcards.size)
direction = network_job.direction(models)
degree = float(snakemake.wildcards.degree)
inversions, mattes, baselines, motions = map(job.index, ("inversions", "mattes", "baselines", "motions"))


def load(photo: str) -> tuple[Tensor, ...]:
    return (
        *network_job.inversion(inversions.path(photo, ".npz")),
        network_job.matte(mattes.path(photo, ".png")),
        network_job.matte(baselines.path(photo, ".png")),
        network_job.motion(motions.path(photo, ".npz")),
    )


def make(
    w_plus: Tensor, distortion: Tensor, moves: Tensor, before: Tensor, baseline: Tensor, backward: Tensor
) -> tuple[NDArray[np.uint8], list[Matte]]:
    aligned = person_distortions(distortion, before, backward)
    edited = layered_edit(w_plus, aligned, direction, degree, tuned(models, moves[0]), snakemake.wildcards.precision)
    stored = resize(edited, size).clamp(-1, 1)
    found = (to_arrays(mattes) for mattes in (person_matte(stored, models, parsing), baseline, before))
    whose = zip(*found, backward.cpu().numpy(), strict=True)
    return to_uint8(stored), [edited_person_matte(*one) for one in whose]


def save(files: PhotoFiles, edited: Rgb, matte: Matte) -> None:
    write_rgb(files.path(".png"), edited)
    write_matte(files.path(".matte.png"), matte)


job.each(job.shared(inversions, mattes, baselines, motions), load, make, save, models.device, batch=network_job.batch())
