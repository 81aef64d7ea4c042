"""Fit the preview head: the generator's picture at 256 px from its 128x128 features.

``python -m unripple.training.preview --faces FOLDER --checkpoint FILE --out preview.safetensors``

The start is a least-squares fit of the picture's Haar bands on the features, the same for every style; Adam then learns
how the style modulates them, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from unripple.images import to_tensor
from unripple.networks.mobile_stylegan import MobileStyleGAN, rows
from unripple.networks.preview import ROW, Preview
from unripple.training.export import export
from unripple.training.faces import load
from unripple.training.runner import Run
from unripple.weights.lite import load_generator

#: Faces and the share of their pixels that the least-squares start sees; faces kept to measure on.
STARTING_FACES, STRIDE, TEST_FACES = 80, 3, 32
DAMPING = 1e-4


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training."""

    steps: int = 2000
    batch: int = 4
    lr: float = 1e-3
    seed: int = 0


@dataclass(frozen=True)
class Faces:
    """Codes ``w (N, 512)`` and what they render to, ``uint8 (N, 256, 256, 3)``."""

    w: Tensor
    rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

    def take(self, index: list[int]) -> tuple[Tensor, Tensor]:
        """``w_plus (B, 18, 512)`` and rgb ``float (B, 3, 256, 256)`` in [-1, 1]."""
        return rows(self.w[index]), to_tensor(list(self.rgb[index]))


def haar(rgb: Tensor) -> Tensor:
    """One orthonormal Haar step: ``(B, C, 2H, 2W)`` -> low, vertical, horizontal, diagonal bands ``(B, 4C, H, W)``."""
    a, b = rgb[..., 0::2, 0::2], rgb[..., 0::2, 1::2]
    c, d = rgb[..., 1::2, 0::2], rgb[..., 1::2, 1::2]
    return torch.cat((a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d), dim=1) / 2


def start(preview: Preview, generator: MobileStyleGAN, faces: Faces) -> None:
    """Set the head to the least-squares fit, with a modulation of one for every style."""
    weight = preview.head.conv.weight
    size = weight.shape[1] + 1
    gram, moment = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size, 12, dtype=torch.float64)
    for face in range(min(STARTING_FACES, len(faces.w))):
        w_plus, rgb = faces.take([face])
        features = generator.to_preview(generator.to_fusion(w_plus), w_plus)
        x = features.flatten(2)[0, :, ::STRIDE].T
        x = torch.cat((x, torch.ones(len(x), 1)), dim=1)
        gram += (x.T @ x).double()
        moment += (x.T @ haar(rgb).flatten(2)[0, :, ::STRIDE].T).double()
    damped = gram + DAMPING * gram.diagonal().mean() * torch.eye(size, dtype=torch.float64)
    solution = torch.linalg.solve(damped, moment).float()
    weight.copy_(solution[:-1].T[:, :, None, None])
    preview.head.conv.bias.copy_(solution[-1])  # type: ignore[union-attr]
    preview.head.modulation.weight.zero_()
    preview.head.modulation.bias.fill_(1)


@torch.no_grad()
def quality(preview: Preview, generator: MobileStyleGAN, faces: Faces) -> float:
    """Mean PSNR in dB (peak 2) of previews to the real pictures at 256."""
    found = []
    for face in range(len(faces.w)):
        w_plus, rgb = faces.take([face])
        made = preview(generator, generator.to_fusion(w_plus), w_plus)
        found.append(10 * torch.log10(4 / F.mse_loss(made, rgb)))
    return float(torch.stack(found).mean())


def train(
    preview: Preview,
    generator: MobileStyleGAN,
    faces: Faces,
    recipe: Recipe,
    fabric: Fabric,
    checkpoint: Path | None = None,
    minutes: float | None = None,
    log: Path | None = None,
) -> int:
    """Train the head to the end of the budget, from the checkpoint where there is one; returns the steps taken."""
    with torch.no_grad():
        start(preview, generator, faces)
    generator = fabric.to_device(generator)  # type: ignore[assignment]
    module, optimizer = fabric.setup(preview, torch.optim.Adam(preview.parameters(), recipe.lr, betas=(0.9, 0.99)))
    kept = {"module": module, "optimizer": optimizer}
    run = Run(fabric, kept, steps=recipe.steps, minutes=minutes, checkpoint=checkpoint, log=log)
    for step in run:
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * run.rate()
        random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        chosen = torch.randint(len(faces.w), (recipe.batch,), generator=random).tolist()
        w_plus, rgb = (fabric.to_device(x) for x in faces.take(chosen))
        with torch.no_grad(), fabric.autocast():
            state = generator.to_fusion(w_plus)
            features = generator.to_preview(state, w_plus)
        with fabric.autocast():
            made = module.head(features, w_plus[:, ROW])
        loss = F.mse_loss(made.float(), rgb)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        run.report(l2=float(loss.detach()))
    return run.step


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.")],
    out: Annotated[Path, typer.Option(help="The head's weights: for trainings, no part of the models.")],
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of the generator.")] = Path("models/lite"),
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    minutes: Annotated[float | None, typer.Option(help="End earlier, after this time.")] = None,
    precision: Annotated[str, typer.Option(help="Lightning Fabric's name of it.")] = "bf16-mixed",
) -> None:
    """Fit the preview head, measure it on unseen faces, write float16 weights."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision)  # type: ignore[arg-type]
    chunks = list(load(faces))
    w = torch.from_numpy(np.concatenate([chunk["w"] for chunk in chunks]))
    rgb = np.concatenate([chunk["rgb"] for chunk in chunks])
    seen, unseen = (Faces(w[part], rgb[part]) for part in (slice(None, -TEST_FACES), slice(-TEST_FACES, None)))
    generator, preview = load_generator(models).to(memory_format=torch.channels_last), Preview()
    taken = train(preview, generator, seen, Recipe(steps=steps), fabric, checkpoint, minutes, log)
    figures = {"steps": str(taken), "psnr": f"{quality(preview.float().cpu(), generator.cpu(), unseen):.2f}"}
    export(preview, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    typer.run(main)
