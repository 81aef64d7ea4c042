"""Clean the edits of a shard: the edited person over the plate."""

from torch import Tensor

import job
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import to_uint8
from unripple.index import PhotoFiles
from unripple.stages.composite import split_composite

edits, mattes, plates = (job.index(name) for name in ("edits", "mattes", "plates"))


def load(photo: str) -> tuple[Tensor, ...]:
    return (
        job.picture(edits.path(photo, ".hfgi.png")),
        job.matte(mattes.path(photo, ".png")),
        job.picture(plates.path(photo, ".png")),
    )


def make(hfgi: Tensor, matte: Tensor, plate: Tensor) -> tuple[Rgb]:
    return (to_uint8(split_composite(hfgi, matte, plate)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, plates), load, make, save)
