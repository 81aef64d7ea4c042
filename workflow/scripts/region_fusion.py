"""Edit the inverted portraits of a shard with person and background joined in the fusion layer."""

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
from unripple.stages.layered import person_distortion
from unripple.stages.plate import hidden_by
from unripple.stages.region_fusion import region_fusion

models = network_job.models()
refuse_slow(snakemake.wildcards.precision, models.device)
size, grow, degree = int(snakemake.wildcards.size), int(snakemake.wildcards.grow), float(snakemake.wildcards.degree)
direction = network_job.direction(models)
inversions, mattes, motions, edits = (job.index(name) for name in ("inversions", "mattes", "motions", "edits"))


def load(photo: str) -> tuple[Tensor, ...]:
    with np.load(inversions.path(photo, ".npz")) as inversion, np.load(motions.path(photo, ".npz")) as motion:
        return (
            torch.from_numpy(inversion["w_plus"]),
            torch.from_numpy(inversion["distortion"].astype(np.float32)),
            torch.from_numpy(inversion["tuned"]),
            network_job.matte(mattes.path(photo, ".png")),
            torch.from_numpy(motion["backward"].astype(np.float32)),
            network_job.matte(edits.path(photo, ".matte.png")),
        )


def make(
    w_plus: Tensor, distortion: Tensor, tuned: Tensor, before: Tensor, backward: Tensor, after: Tensor
) -> tuple[NDArray[np.uint8]]:
    given = zip(distortion.cpu().numpy(), to_arrays(before), backward.cpu().numpy(), strict=True)
    aligned = torch.from_numpy(np.stack([person_distortion(*one) for one in given]))
    old = [hidden_by(matte, grow) for matte in to_arrays(before)]
    edited = region_fusion(
        w_plus,
        distortion,
        aligned,
        torch.from_numpy(np.stack(old))[:, None].to(models.device),
        after,
        direction,
        degree,
        models.tuned(tuned[0]),
        snakemake.wildcards.precision,
    )
    return (to_uint8(resize(edited, size)),)


def save(files: PhotoFiles, edited: Rgb) -> None:
    write_rgb(files.path(".png"), edited)


job.each(job.shared(inversions, mattes, motions, edits), load, make, save, models.device, batch=network_job.batch())
