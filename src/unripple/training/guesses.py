"""Photos of rendered faces in chunks, and what the encoder guesses of them: the material of the training on turns.

``python -m unripple.training.guesses --faces FOLDER --cache FOLDER``

Every second face stands before a random plate. A chunk is made once, so a stopped run goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from torch import Tensor
from tqdm import tqdm

from unripple.files.data import write_arrays
from unripple.files.pictures import levels, signed
from unripple.files.tensors import to_arrays, to_tensor
from unripple.jobs import allocator
from unripple.known_plate.plates import training_plate
from unripple.models import ModelSet, lite
from unripple.networks.mobile_stylegan import MobileStyleGAN
from unripple.networks.parser import Parser
from unripple.stages.composite import over
from unripple.training.rendered_faces import chunks, render_256
from unripple.weights.lite import load_parser

Pictures = npt.NDArray[np.uint8]


@torch.no_grad()
def over_plates(pictures: Pictures, parser: Parser, seed: int) -> Pictures:
    """Every second picture, ``uint8 (N, 256, 256, 3)``, with its person before a random plate."""
    random = np.random.default_rng([seed, 7])
    out = pictures.copy()
    for i in range(1, len(pictures), 2):
        (matte,) = to_arrays(parser(to_tensor([pictures[i]])))
        out[i] = levels(over(signed(pictures[i]), matte, signed(training_plate(random, len(matte)))))
    return out


@torch.no_grad()
def guess(pictures: Pictures, models: ModelSet, batch: int = 10) -> Tensor:
    """The encoder's codes ``(N, 512)`` of ``uint8 (N, 256, 256, 3)``."""
    parts = [to_tensor(list(pictures[i : i + batch])) for i in range(0, len(pictures), batch)]
    return torch.cat([models.encoder(part.to(models.device))[:, 0].cpu() for part in parts])


def make_chunk(file: Path, cache: Path, models: ModelSet, generator: MobileStyleGAN, parser: Parser) -> None:
    """``photo~NNN.npz`` gets ``rgb`` of the photos and their true ``w``, ``guess~NNN.npz`` a guessed ``w`` and the
    ``rgb`` it renders to; what is there already is kept.
    """
    name = file.stem.partition("~")[2]
    photo, guessed = (cache / f"{kind}~{name}.npz" for kind in ("photo", "guess"))
    if not photo.exists():
        with np.load(file) as chunk:
            write_arrays(photo, {"rgb": over_plates(chunk["rgb"], parser, seed=int(name)), "w": chunk["w"]})
    if not guessed.exists():
        with np.load(photo) as arrays:
            w = guess(arrays["rgb"], models)
        rgb = render_256(generator, w.to(models.device))
        write_arrays(guessed, {"rgb": rgb, "w": w.numpy()})


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.")],
    cache: Annotated[Path, typer.Option(help="Folder of photos and guesses.")],
    models: Annotated[Path, typer.Option(help="Folder of generator, parser and encoder.")] = Path("models/lite"),
    guessed: Annotated[int | None, typer.Option(min=1, help="Chunks to guess; all by default.")] = None,
) -> None:
    """Write photos and guesses of each chunk of faces."""
    loaded = lite.load(models)
    cache.mkdir(parents=True, exist_ok=True)
    parser = load_parser(models)
    for file in tqdm(chunks(faces)[:guessed], desc="guesses", mininterval=10):
        make_chunk(file, cache, loaded, loaded.generator, parser)


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
