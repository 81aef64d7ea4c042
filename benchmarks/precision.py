"""How far a generator's pictures in bfloat16 lie from those in float32, on the device present.

    python benchmarks/precision.py [--pictures 8] [--models models/lite]

Codes are random ones of W, truncated like those of a study. Needs the set's weights (`make weights`).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from unripple.files.tensors import to_uint8
from unripple.jobs import allocator
from unripple.models import ModelSet, lite, published
from unripple.models.devices import computes_in_bfloat16
from unripple.networks.mobile_stylegan import rows
from unripple.stages.editor import is_published

TRUNCATION = 0.7


def codes(models: ModelSet, pictures: int) -> Tensor:
    """``w_plus (pictures, 18, 512)``."""
    random = torch.Generator().manual_seed(0)
    w = models.mapping(torch.randn(1000 + pictures, 512, generator=random).to(models.device))
    mean = w[pictures:].mean(dim=0)
    return rows(mean + TRUNCATION * (w[:pictures] - mean))


@torch.inference_mode()
def main(
    pictures: Annotated[int, typer.Option(min=1)] = 8,
    models: Annotated[Path, typer.Option(help="Folder of a set of models.")] = Path("models/lite"),
) -> None:
    """Print grey levels between the two, and the seconds that each took."""
    networks: ModelSet = (published if is_published(models) else lite).load(models)
    if not computes_in_bfloat16(networks.device):
        print("this device has no instructions for bfloat16: expect ten times the time of float32")
    made, took = {}, {}
    for name, generator in (("float32", networks.generator), ("bfloat16", networks.fast_generator)):
        seen = []
        kind = torch.bfloat16 if name == "bfloat16" else torch.float32
        generator(codes(networks, 1).to(kind))  # the first is slower
        began = time.perf_counter()
        for code in codes(networks, pictures).split(1):
            seen.append(to_uint8(generator(code.to(kind)).float()).astype(int))
        made[name], took[name] = np.concatenate(seen), (time.perf_counter() - began) / pictures
    apart = np.abs(made["float32"] - made["bfloat16"])
    print(f"grey levels apart: {apart.mean():.3f} on average, {apart.max()} at most, {(apart > 2).mean():.2%} above 2")
    print("seconds a picture: " + ", ".join(f"{name} {seconds:.3g}" for name, seconds in took.items()))


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
