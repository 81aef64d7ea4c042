"""Edit the inverted portraits of a shard with person and background joined inside the generator."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import resize, to_arrays, to_uint8
from unripple.jobs.index import PhotoFiles
from unripple.models.devices import refuse_slow
from unripple.models.tuned import tuned
from unripple.stages.layered import person_distortions
from unripple.stages.plate import hidden_by
from unripple.stages.region_fusion import region_fusion
from unripple.stages.style_fusion import style_fusion

models = network_job.models()
refuse_slow(snakemake.wildcards.precision, models.device)
size, grow, degree = int(snakemake.wildcards.size), int(snakemake.wildcards.grow), float(snakemake.wildcards.degree)
direction = network_job.direction(models)
fuse = {"region_fusion": region_fusion, "style_fusion": style_fusion}[snakemake.wildcards.fusion]
inversions, mattes, motions, edits = (job.index(name) for name in ("inversions", "mattes", "motions", "edits"))


def load(photo: str) -> tuple[Tensor, ...]:
    return (
        *network_job.inversion(inversions.path(photo, ".npz")),
        network_job.matte(mattes.path(photo, ".png")),
        network_job.motion(motions.path(photo, ".npz")),
        network_job.matte(edits.path(photo, ".matte.png")),
    )


def make(
    w_plus: Tensor, distortion: Tensor, moves: Tensor, before: Tensor, backward: Tensor, after: Tensor
) -> tuple[NDArray[np.uint8]]:
    aligned = person_distortions(distortion, before, backward)
    old = [hidden_by(matte, grow) for matte in to_arrays(before)]
    edited = fuse(
        w_plus,
        distortion,
        aligned,
        torch.from_numpy(np.stack(old))[:, None].to(models.device),
        after,
        direction,
        degree,
        tuned(models, moves[0]),
        snakemake.wildcards.precision,
    )
    return (to_uint8(resize(edited, size)),)


def save(files: PhotoFiles, edited: Rgb) -> None:
    write_rgb(files.path(".png"), edited)


job.each(job.shared(inversions, mattes, motions, edits), load, make, save, models.device, batch=network_job.batch())
