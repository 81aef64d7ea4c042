"""Invert the portraits of a shard."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.data import write_arrays
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import resize, to_uint8
from unripple.jobs.index import PhotoFiles
from unripple.models.tuned import tuned
from unripple.networks.mobile_stylegan import STYLE_DIM
from unripple.settings import inverters
from unripple.stages.edit import edit
from unripple.stages.invert import invert

models = network_job.models()
size, (method, steps) = int(snakemake.wildcards.size), inverters.read(snakemake.wildcards.invert)
portraits = job.index("portraits")
on_cpu = models.device.type == "cpu"


def load(photo: str) -> tuple[Tensor, ...]:
    return (models.seen(network_job.picture(portraits.path(photo, ".png"))[None])[0],)


def make(photo: Tensor) -> tuple[list[Any], ...]:
    """On a CPU one photo a thread, which uses threads better than sharing each step does."""
    if not on_cpu:
        return tuple(list(part) for part in inverted(photo))
    found = workers.map(lambda one: [part[0] for part in inverted(one)], photo.split(1))
    return tuple(map(list, zip(*found, strict=True)))


def inverted(photo: Tensor) -> tuple[Tensor, Tensor, NDArray[np.uint8], NDArray[np.uint8], Tensor]:
    found = invert(photo, models, method, steps)
    own = tuned(models, found.tuned[0])
    same = edit(found.w_plus, found.distortion, torch.zeros(STYLE_DIM), 0.0, own)
    return (
        found.w_plus.cpu(),
        found.distortion.cpu(),
        to_uint8(resize(found.e4e, size)),
        to_uint8(resize(same.hfgi, size)),
        found.tuned.cpu(),
    )


def save(files: PhotoFiles, w_plus: Tensor, distortion: Tensor, e4e: Rgb, hfgi: Rgb, moves: Tensor) -> None:
    arrays = {"w_plus": w_plus.numpy(), "distortion": distortion.numpy().astype(np.float16), "tuned": moves.numpy()}
    write_arrays(files.path(".npz"), arrays)
    write_rgb(files.path(".e4e.png"), e4e)
    write_rgb(files.path(".hfgi.png"), hfgi)


if on_cpu:
    torch.set_num_threads(1)
with ThreadPoolExecutor(snakemake.threads) as workers:
    job.each(portraits, load, make, save, models.device, batch=snakemake.threads if on_cpu else network_job.batch())
