"""Invert the portraits of a shard."""

import numpy as np
import torch
from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.data import write_arrays
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import resize, to_uint8
from unripple.index import PhotoFiles
from unripple.networks.mobile_stylegan import STYLE_DIM
from unripple.stages.edit import edit
from unripple.stages.invert import invert

models = network_job.models()
size, steps = int(snakemake.wildcards.size), int(snakemake.wildcards.refine)
portraits = job.index("portraits")


def load(photo: str) -> tuple[Tensor, ...]:
    return (models.seen(network_job.picture(portraits.path(photo, ".png"))[None])[0],)


def make(photo: Tensor) -> tuple[Tensor, Tensor, Rgb, Rgb]:
    found = invert(photo, models, refine=steps)
    same = edit(found.w_plus, found.distortion, torch.zeros(STYLE_DIM), 0.0, models)
    return (
        found.w_plus.cpu(),
        found.distortion.cpu(),
        to_uint8(resize(found.e4e, size)),
        to_uint8(resize(same.hfgi, size)),
    )


def save(files: PhotoFiles, w_plus: Tensor, distortion: Tensor, e4e: Rgb, hfgi: Rgb) -> None:
    arrays = {"w_plus": w_plus.numpy(), "distortion": distortion.numpy().astype(np.float16)}
    write_arrays(files.path(".npz"), arrays)
    write_rgb(files.path(".e4e.png"), e4e)
    write_rgb(files.path(".hfgi.png"), hfgi)


job.each(portraits, load, make, save, models.device)
