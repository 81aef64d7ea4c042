"""Distil a preview of the generator: small pictures from its inner features.

``python -m unripple.training.preview --faces FOLDER --checkpoint FILE --out models/lite/preview.safetensors``

The generator is frozen and its own teacher: the targets are its pictures as `to_256` reduces them, and for smaller
sides the mean over cells of those. The loss is the distance of pictures and of their gradients: what is wanted of a
preview is where it leads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from unripple.files.tensors import to_tensor
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.mobile_stylegan import MobileStyleGAN, rows
from unripple.networks.preview import BLOCK_OF, Preview
from unripple.training import faces
from unripple.training.export import export
from unripple.training.runner import Run
from unripple.weights.lite import load_generator


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training."""

    steps: int = 4000
    batch: int = 8
    lr: float = 2e-3
    lambda_gradient: float = 1.0
    seed: int = 0


def reduced(rgb: Tensor, side: int) -> Tensor:
    """The mean over cells: ``(B, 3, 256, 256)`` -> ``(B, 3, side, side)``."""
    return F.avg_pool2d(rgb, rgb.shape[-1] // side)


def loss(made: Tensor, wanted: Tensor, gradient: float) -> Tensor:
    """L1 of two batches ``(B, 3, R, R)`` and of their differences along rows and columns."""
    error = made - wanted
    down, right = error.diff(dim=-2), error.diff(dim=-1)
    return error.abs().mean() + gradient * (down.abs().mean() + right.abs().mean())


@torch.no_grad()
def features(generator: MobileStyleGAN, w: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
    """Side -> what its head reads: features and the style ``(B, 512)``; one pass through the generator."""
    w_plus = rows(w)
    found, x = {}, None
    sides = {block: side for side, block in BLOCK_OF.items()}
    for block in sorted(sides):
        x = generator.features(w_plus, block) if x is None else generator.block(block)(x, w_plus)
        found[sides[block]] = (x, w_plus[:, 2 * block + 3])
    return found


class Trainer:
    """The heads, and the generator that they learn from."""

    def __init__(self, generator: MobileStyleGAN, recipe: Recipe, fabric: Fabric) -> None:
        """``generator``: in the dtype in which its features are computed."""
        torch.manual_seed(recipe.seed)
        self.recipe, self.fabric = recipe, fabric
        self.generator: MobileStyleGAN = fabric.to_device(generator)  # type: ignore[assignment]
        self.plain = Preview().to(memory_format=torch.channels_last)
        self.module, self.optimizer = fabric.setup(
            self.plain, torch.optim.Adam(self.plain.parameters(), recipe.lr, betas=(0.9, 0.99))
        )

    def losses(self, rgb: Tensor, w: Tensor) -> dict[int, Tensor]:
        """The loss of each side for pictures ``(B, 3, 256, 256)`` of codes ``(B, 512)``."""
        found = features(self.generator, w.to(self.generator.constant))
        terms = {}
        for side, (x, style) in found.items():
            with self.fabric.autocast():
                made = self.plain.head(side)(x, style)
            terms[side] = loss(made.float(), reduced(rgb, side), self.recipe.lambda_gradient)
        return terms

    def run(
        self, samples: Samples, checkpoint: Path | None = None, minutes: float | None = None, log: Path | None = None
    ) -> int:
        """Train to the end of the budget, from the checkpoint where there is one; returns the steps taken in all."""
        state: dict[str, Any] = {"module": self.module, "optimizer": self.optimizer}
        run = Run(self.fabric, state, steps=self.recipe.steps, minutes=minutes, checkpoint=checkpoint, log=log)
        for step in run:
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.lr * run.rate()
            rgb, w = (self.fabric.to_device(x) for x in samples.take(self.recipe.seed, step, self.recipe.batch))
            terms = self.losses(rgb, w)
            self.optimizer.zero_grad()
            self.fabric.backward(torch.stack(list(terms.values())).sum())
            self.optimizer.step()
            run.report(**{f"side_{side}": float(term.detach()) for side, term in terms.items()})
        return run.step


@dataclass(frozen=True)
class Samples:
    """Rendered faces ``rgb uint8 (N, 256, 256, 3)`` and their codes ``w (N, 512)``."""

    rgb: npt.NDArray[np.uint8]
    w: Tensor

    def take(self, seed: int, step: int, batch: int) -> tuple[Tensor, Tensor]:
        """The pictures ``(B, 3, 256, 256)`` and codes of one step, by its number alone."""
        random = torch.Generator().manual_seed(seed * 1_000_003 + step)
        chosen = torch.randint(len(self.w), (batch,), generator=random)
        return to_tensor(list(self.rgb[chosen.numpy()])), self.w[chosen]

    def split(self, last: int) -> tuple[Samples, Samples]:
        """All but the last few, and those."""
        return Samples(self.rgb[:-last], self.w[:-last]), Samples(self.rgb[-last:], self.w[-last:])


def load_samples(folder: Path) -> Samples:
    """All rendered faces of a folder (`unripple.training.faces`)."""
    chunks = list(faces.load(folder))
    return Samples(
        np.concatenate([chunk["rgb"] for chunk in chunks]),
        torch.cat([torch.from_numpy(chunk["w"]) for chunk in chunks]),
    )


@torch.no_grad()
def quality(preview: Preview, generator: MobileStyleGAN, samples: Samples) -> dict[int, float]:
    """Side -> mean PSNR in dB (peak 2) of the preview against the reduced picture, in float32."""
    found: dict[int, list[Tensor]] = {side: [] for side in BLOCK_OF}
    for rgb, w in _one_by_one(samples):
        for side in BLOCK_OF:
            error = F.mse_loss(preview(generator, rows(w), side), reduced(rgb, side))
            found[side].append(10 * torch.log10(4 / error))
    return {side: float(torch.stack(values).mean()) for side, values in found.items()}


def _one_by_one(samples: Samples) -> Iterator[tuple[Tensor, Tensor]]:
    for i in range(len(samples.w)):
        yield to_tensor([samples.rgb[i]]), samples.w[i : i + 1]


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.")],
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of the generator.")] = Path("models/lite"),
    out: Annotated[Path, typer.Option()] = Path("models/lite/preview.safetensors"),
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=1)] = Recipe.batch,
    minutes: Annotated[float | None, typer.Option(help="End earlier, after this time.")] = None,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it; without it by the device.")] = None,
    test: Annotated[int, typer.Option(min=1, help="Faces kept from the training, to measure on.")] = 48,
) -> None:
    """Train the heads, measure them on unseen faces, write float16 weights."""
    precision = precision or training_precision(chosen_device())
    fabric = Fabric(accelerator="auto", devices=1, precision=precision)  # type: ignore[arg-type]
    seen, unseen = load_samples(faces).split(test)
    dtype = torch.float32 if precision == "32-true" else torch.bfloat16
    generator = load_generator(models).to(dtype).to(memory_format=torch.channels_last)
    trainer = Trainer(generator, Recipe(steps=steps, batch=batch), fabric)
    taken = trainer.run(seen, checkpoint, minutes, log)
    reached = quality(trainer.plain.float().cpu(), load_generator(models), unseen)
    figures = {"steps": str(taken), "faces": str(len(seen.w)), "unseen_faces": str(test)}
    figures |= {f"psnr_{side}": f"{value:.2f}" for side, value in reached.items()}
    export(trainer.plain, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    typer.run(main)
