"""Learn along which axes codes are refined: those along which the gradients of many faces vary apart from each other.

``python -m unripple.training.descent --faces FOLDER --out models/lite/descent.safetensors``

Faces that the encoder has not seen, every second before a random plate, are refined by some steps along W's principal
axes, and the gradient of each step is kept. Nothing is trained on them but two moments, so there is nothing to resume.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor
from tqdm import tqdm

from unripple.files.pictures import Rgb
from unripple.files.tensors import to_tensor, write_tensors
from unripple.jobs import allocator
from unripple.models import ModelSet, lite
from unripple.networks.descent import Descent
from unripple.networks.parser import Parser
from unripple.stages.refine import begun, descend
from unripple.training.guesses import over_plates
from unripple.training.rendered_faces import load
from unripple.weights.lite import load_parser

#: Where along the way to a code gradients are of use: as many steps as a study takes, or fewer.
STEPS = 8


def gradients(photo: Rgb, models: ModelSet, along: Descent) -> list[Tensor]:
    """The gradients ``(1, 512)`` along the axes, step by step, of one photo ``uint8 (256, 256, 3)``."""
    found: list[Tensor] = []
    pixels = to_tensor([photo]).to(models.device)
    with torch.no_grad():
        start, weight = begun(pixels, models.encoder(pixels), models)
    descend(pixels, start, STEPS, models, along, weight, notice=lambda gradient: found.append(gradient[:, 0]))
    return found


def learn(faces: Path, count: int, models: ModelSet, parser: Parser) -> Descent:
    """The axes that ``count`` rendered faces give, refined side by side, one in each of the processor's cores.

    Raises ``ValueError`` where there are fewer faces.
    """
    along = Descent.along_variance(models.mapping)
    rgb = np.concatenate([chunk["rgb"][:count] for chunk in load(faces)], dtype=np.uint8)[:count]
    if len(rgb) < count:
        raise ValueError(f"{faces}: expected {count} faces, found {len(rgb)}; render more chunks")
    photos = over_plates(rgb, parser, seed=1)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        found = workers.map(lambda photo: gradients(photo, models, along), photos)
        return along.turned(torch.cat([step for steps in tqdm(found, total=count, mininterval=10) for step in steps]))


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces that the encoder has not seen.")],
    models: Annotated[Path, typer.Option(help="Folder of generator, encoder and parser.")] = Path("models/lite"),
    out: Annotated[Path, typer.Option()] = Path("models/lite/descent.safetensors"),
    count: Annotated[int, typer.Option(min=64, help="Faces; each takes as many steps as are kept.")] = 96,
) -> None:
    """Write axes and squares."""
    torch.set_num_threads(1)  # one photo a thread, as where a study inverts
    found = learn(faces, count, lite.load(models), load_parser(models))
    write_tensors(out, {"axes": found.axes.contiguous(), "squares": found.squares}, {"faces": str(count)})
    print(f"{out}: {count * STEPS} gradients")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
