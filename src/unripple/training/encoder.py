"""Fit ``e4e-lite`` in closed form, and make the guesses that the consultation is trained on.

``python -m unripple.training.encoder --faces FOLDER --cache FOLDER --out models/lite/encoder.safetensors``

Every second face stands before a random plate. The guesses, with what they render to, come from encoders that were
fitted without the face at hand (cross-fitting): an encoder is better on faces it has seen, and the consultation must
meet real errors. Features and renderings cost the time; they are cached chunk by chunk, so a stopped run goes on where
it was.
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
from unripple.models.devices import chosen_device, fast_dtype
from unripple.networks.e4e_lite import E4eLite, PooledFeatures
from unripple.networks.parser import Parser
from unripple.stages.composite import over
from unripple.training import ridge
from unripple.training.export import export
from unripple.training.rendered_faces import chunks, render_256
from unripple.weights.lite import ENCODER_RANK, load_generator, load_parser
from unripple.weights.st_lpips import load_trunk

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
FOLDS = 4
HELD_OUT = 0.1

Pictures = npt.NDArray[np.uint8]


@torch.no_grad()
def features(pooled: PooledFeatures, pictures: Pictures, batch: int = 10) -> Tensor:
    """``uint8 (N, 256, 256, 3)`` -> ``float16 (N, 37568)``, computed in the trunk's dtype."""
    dtype = next(pooled.parameters()).dtype
    device = next(pooled.parameters()).device
    parts = [to_tensor(list(pictures[i : i + batch])) for i in range(0, len(pictures), batch)]
    return torch.cat([pooled(part.to(device, dtype)).half().cpu() for part in parts])


@torch.no_grad()
def over_plates(pictures: Pictures, parser: Parser, seed: int) -> Pictures:
    """Every second picture with its person before a random plate."""
    random = np.random.default_rng([seed, 7])
    out = pictures.copy()
    for i in range(1, len(pictures), 2):
        (matte,) = to_arrays(parser(to_tensor([pictures[i]])))
        out[i] = levels(over(signed(pictures[i]), matte, signed(training_plate(random, len(matte)))))
    return out


class Cache:
    """Chunks of photos and of guesses, made when first asked for.

    ``photo~NNN.npz``: ``rgb`` and ``features`` of the photos and their true ``w``. ``guess~NNN.npz``: for the same
    photos a guessed ``w`` and the ``rgb`` it renders to.
    """

    def __init__(self, folder: Path, faces: Path, models: Path) -> None:
        self.folder, self.faces, self.models = folder, faces, models
        self.names = [file.stem.partition("~")[2] for file in chunks(faces)]
        device = chosen_device()
        dtype = fast_dtype(device)
        self.pooled = PooledFeatures(load_trunk()).to(device, dtype).to(memory_format=torch.channels_last)
        self.generator = load_generator(models).to(device, dtype).to(memory_format=torch.channels_last)

    def photos(self, name: str) -> dict[str, npt.NDArray[np.generic]]:
        """The photos of one chunk."""
        file = self.folder / f"photo~{name}.npz"
        if not file.exists():
            with np.load(self.faces / f"faces~{name}.npz") as chunk:
                rgb = over_plates(chunk["rgb"], load_parser(self.models), seed=int(name))
                found = features(self.pooled, rgb)
                write_arrays(file, {"rgb": rgb, "features": found.numpy(), "w": chunk["w"]})
        with np.load(file) as arrays:
            return dict(arrays)

    def guess_file(self, name: str) -> Path:
        """Where the guesses of one chunk are."""
        return self.folder / f"guess~{name}.npz"

    def add_guesses(self, name: str, w: Tensor) -> None:
        """Render the guessed codes ``w (N, 512)`` of one chunk, unless that is done."""
        if not self.guess_file(name).exists():
            write_arrays(self.guess_file(name), {"rgb": render_256(self.generator, w), "w": w.numpy()})


def as_network(fit: ridge.Fit) -> E4eLite:
    """A closed-form fit as the network."""
    network = E4eLite(len(fit.down), len(fit.mean))
    network.load_state_dict({"mean": fit.mean, "down.weight": fit.down, "up.weight": fit.up, "up.bias": fit.bias})
    return network.eval().requires_grad_(False)


def fit_rows(x: Tensor, y: Tensor, rank: int) -> ridge.Fit:
    """Ridge of low rank; rows in a fixed random order, so that those held out come from every chunk."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return ridge.fit(x[order], y[order], rank, PENALTIES, round(HELD_OUT * len(x)))


def cross_fitted(x: Tensor, w: Tensor, rank: int, folds: int = FOLDS) -> Tensor:
    """A guess ``(N, 512)`` for every row of ``x (N, F)`` by an encoder that has not seen it."""
    guesses = torch.empty_like(w)
    fold = torch.randperm(len(x), generator=torch.Generator().manual_seed(1)) % folds
    for k in range(folds):
        encoder = as_network(fit_rows(x[fold != k], w[fold != k], rank))
        guesses[fold == k] = torch.cat([encoder(part.float())[:, 0] for part in x[fold == k].split(256)])
    return guesses


@torch.no_grad()
def train(cache: Cache, rank: int = ENCODER_RANK, guessed: int | None = None) -> tuple[E4eLite, dict[str, str]]:
    """Fit the encoder on all chunks, and make the guesses of the first ``guessed``; returns what was reached, too."""
    photos = [cache.photos(name) for name in tqdm(cache.names, desc="photos", mininterval=10)]
    x = torch.cat([torch.from_numpy(photo["features"]) for photo in photos])
    w = torch.cat([torch.from_numpy(photo["w"]) for photo in photos])
    names = cache.names[:guessed]
    if not all(cache.guess_file(name).exists() for name in names):
        guesses = cross_fitted(x, w, rank).split([len(photo["w"]) for photo in photos])
        for name, guess in zip(tqdm(names, desc="guesses", mininterval=10), guesses, strict=False):
            cache.add_guesses(name, guess)
    fit = fit_rows(x, w, rank)
    return as_network(fit), {"faces": str(len(w)), "r2": f"{fit.r2:.3f}", "penalty": str(fit.penalty)}


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.")],
    cache: Annotated[Path, typer.Option(help="Folder that keeps features and renderings.")],
    models: Annotated[Path, typer.Option(help="Folder of the generator and the parser.")] = Path("models/lite"),
    out: Annotated[Path, typer.Option()] = Path("models/lite/encoder.safetensors"),
    guessed: Annotated[int | None, typer.Option(min=1, help="Chunks to render guesses of; all by default.")] = None,
) -> None:
    """Fit e4e-lite, write its float16 weights and the guesses for the consultation."""
    network, reached = train(Cache(cache, faces, models), guessed=guessed)
    export(network, out, reached)
    print(f"{out}: {reached}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
