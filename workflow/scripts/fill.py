"""Fill the ripple masks in the edits of a shard."""

from torch import Tensor

import job
from unripple.files.pictures import Rgb, write_rgb
from unripple.files.tensors import to_uint8
from unripple.index import PhotoFiles
from unripple.stages.composite import settled
from unripple.stages.inpaint import inpaint

inpainter, device = job.inpainter()
edits, mattes, ripples = job.index("edits"), job.index("mattes"), job.index("ripples")


def load(photo: str) -> tuple[Tensor, ...]:
    return (
        job.picture(edits.path(photo, ".hfgi.png")),
        job.mask(ripples.path(photo, ".png")),
        job.matte(mattes.path(photo, ".png")),
    )


def make(hfgi: Tensor, mask: Tensor, matte: Tensor) -> tuple[Rgb]:
    # The composite, which puts the person back, makes the soft edge.
    return (to_uint8(inpaint(hfgi, mask, inpainter, feather=0, hidden=settled(matte) > 0)),)


def save(files: PhotoFiles, rgb: Rgb) -> None:
    write_rgb(files.path(".png"), rgb)


job.each(job.shared(edits, mattes, ripples), load, make, save, device)
