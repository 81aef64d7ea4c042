"""The inpainter that a job's path names. The network's brings torch; the others do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job import snakemake
from unripple.settings.inpainters import read
from unripple.stages.cropped import cropped
from unripple.stages.inpaint import Inpainter, telea

if TYPE_CHECKING:
    import torch


def painter() -> tuple[Inpainter, torch.device | None]:
    """The inpainter, and where its network works, if it has one."""
    chosen = read(snakemake.wildcards.inpaint)
    if chosen.model == "telea":
        return telea, None
    if chosen.model == "patchmatch":
        from unripple.stages.patch_match import patch_match

        return patch_match(chosen.ring), None
    import network_job
    from unripple.stages.network_inpainter import network_inpainter

    models = network_job.models()
    network = network_inpainter(models)
    return cropped(network, chosen.crop) if chosen.crop else network, models.device
