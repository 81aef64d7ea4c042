"""The inpainter that a job's path names. The network's brings torch; the others do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job import snakemake
from unripple.stages.inpaint import Inpainter, telea

if TYPE_CHECKING:
    import torch


def painter() -> tuple[Inpainter, torch.device | None]:
    """The inpainter, and where its network works, if it has one."""
    if snakemake.wildcards.inpaint == "telea":
        return telea, None
    import network_job
    from unripple.stages.network_inpainter import network_inpainter

    models = network_job.models()
    return network_inpainter(models), models.device
