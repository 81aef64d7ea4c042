"""Edit the inverted portraits of a shard to one degree."""

from torch import Tensor

import job
import network_job
from job import snakemake
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import resize, to_uint8
from unripple.jobs.index import PhotoFiles
from unripple.models.devices import refuse_slow
from unripple.models.tuned import tuned
from unripple.stages.edit import edit

models = network_job.models()
refuse_slow(snakemake.wildcards.precision, models.device)
size = int(snakemake.wildcards.size)
direction = network_job.direction(models)
degree = float(snakemake.wildcards.degree)
inversions = job.index("inversions")


def load(photo: str) -> tuple[Tensor, ...]:
    return network_job.inversion(inversions.path(photo, ".npz"))


def make(w_plus: Tensor, distortion: Tensor, moves: Tensor) -> tuple[Rgb, Rgb]:
    own = tuned(models, moves[0])
    edited = edit(w_plus, distortion, direction, degree, own, snakemake.wildcards.precision)
    return to_uint8(resize(edited.e4e, size)), to_uint8(resize(edited.hfgi, size))


def save(files: PhotoFiles, e4e: Rgb, hfgi: Rgb) -> None:
    write_rgb(files.path(".e4e.png"), e4e)
    write_rgb(files.path(".hfgi.png"), hfgi)


job.each(inversions, load, make, save, models.device, batch=network_job.batch())
