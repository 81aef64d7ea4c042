"""Train ``e4e-lite`` on rendered faces, whose codes are known.

``python -m unripple.training.encoder --faces FOLDER --checkpoint FILE --out models/lite/encoder.safetensors``

The losses are e4e's (Tov et al., 2021, section 4.2) but for two: the true code stands in for its discriminator, which
keeps codes near W, and nothing looks at the identity, which is what encoders are judged by. The guessed code's picture
is that of the generator's preview. It is compared with the face as it was rendered, not with the photo: what plates and
degradation added is not the code's to explain. The first part of a training sees codes alone, at a fraction of the
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor, nn

from unripple.jobs import allocator
from unripple.models import lite
from unripple.models.devices import chosen_device, training_precision
from unripple.models.lite import LiteModels
from unripple.networks.e4e_lite import E4eLite
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import mean_code, principal_axes
from unripple.training import scenes
from unripple.training.augment import Dice
from unripple.training.export import export
from unripple.training.photographed import Photographer, Photos, load_faces
from unripple.training.runner import Run, weighted
from unripple.weights.lite import load_encoder, load_parser

#: How much a pixel without the person counts, where one of the person counts 1.
OUTSIDE = 0.1


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training."""

    steps: int = 12_000
    batch: int = 32
    lr: float = 1e-3
    decay: float = 0.02
    codes_alone: float = 0.4  # share of the budget in which no picture is made of the guess
    lambda_code: float = 1.0
    lambda_l2: float = 2.0
    lambda_perceptual: float = 1.0
    seed: int = 0


def begun(models: LiteModels) -> E4eLite:
    """The encoder as its training starts: it gives the mean code."""
    network = E4eLite()
    nn.init.normal_(network.code.weight, std=1e-3)
    with torch.no_grad():
        network.code.bias.copy_(mean_code(models.mapping))
    return network


def code_loss(guess: Tensor, w: Tensor, models: LiteModels) -> Tensor:
    """The share of W's variance that guesses ``(B, 512)`` miss: 0 for the true codes, about 1 for the mean code."""
    return (guess - w).square().sum(dim=1).mean() / principal_axes(models.mapping).square().sum()


def picture_losses(guess: Tensor, photos: Photos, models: LiteModels) -> dict[str, Tensor]:
    """Squared error and perceptual distance of the guess's picture and the face, mostly over the person."""
    weight = photos.matte.clamp(min=OUTSIDE)
    weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True)
    made, perceptual = models.preview(rows(guess)), models.perceptual
    with torch.no_grad():
        wanted = perceptual.features(photos.rendered)
    seen = perceptual.distance_map(perceptual.features(made), wanted, (256, 256))
    return {
        "l2": (weight * (made - photos.rendered).square()).float().mean(),
        "perceptual": (weight * seen).float().mean(),
    }


def train(
    network: E4eLite,
    models: LiteModels,
    photographer: Photographer,
    fabric: Fabric,
    recipe: Recipe,
    *,
    minutes: float | None = None,
    checkpoint: Path | None = None,
    log: Path | None = None,
) -> int:
    """Train ``network`` in place, from the checkpoint where there is one; returns the steps taken in all.

    Args:
        network: as it starts.
        models: of the losses.
        photographer: takes the photos.
        fabric: where and how precisely.
        recipe: of the optimisation.
        minutes: end earlier, after this time.
        checkpoint, log: resumed from, and written.
    """
    network.requires_grad_(True).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.lr, betas=(0.9, 0.99), weight_decay=recipe.decay)
    module, optimizer = fabric.setup(network, optimizer)
    state = {"module": module, "optimizer": optimizer}
    run = Run(fabric, state, steps=recipe.steps, minutes=minutes, checkpoint=checkpoint, log=log)
    for step in run:
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * run.rate(warm_up=200)
        photos = photographer.take(Dice(recipe.seed, step, fabric.device), recipe.batch)
        guess = module(photos.rgb)[:, 0].float()
        terms = {"code": code_loss(guess, photos.w, models)}
        if run.progress >= recipe.codes_alone:
            with fabric.autocast():
                terms |= picture_losses(guess, photos, models)
        optimizer.zero_grad()
        fabric.backward(weighted(terms, recipe))
        fabric.clip_gradients(module, optimizer, max_norm=1.0)
        optimizer.step()
        run.report(**{name: float(term.detach()) for name, term in terms.items()})
    network.eval().requires_grad_(False)
    return run.step


@torch.no_grad()
def quality(network: E4eLite, models: LiteModels, photographer: Photographer) -> dict[str, float]:
    """Over all faces, each photographed once: R² of W, and the mean losses of the pictures."""
    found = dict[str, list[Tensor]]()
    for chosen in torch.arange(len(photographer.faces.w)).split(8):
        photos = photographer.photos(chosen, Dice(0, int(chosen[0]), photographer.plates.device))
        guess = network(photos.rgb)[:, 0]
        terms = {"r2": 1 - code_loss(guess, photos.w, models)} | picture_losses(guess, photos, models)
        for key, term in terms.items():
            found.setdefault(key, []).append(term)
    return {key: float(torch.stack(terms).mean()) for key, terms in found.items()}


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.")],
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of generator, mapping, parser and preview.")] = Path(
        "models/lite"
    ),
    out: Annotated[Path, typer.Option()] = Path("models/lite/encoder.safetensors"),
    start: Annotated[Path | None, typer.Option(help="Folder whose encoder the training begins with.")] = None,
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=2)] = Recipe.batch,
    lr: Annotated[float, typer.Option()] = Recipe.lr,
    alone: Annotated[float, typer.Option(min=0, max=1, help="Share of codes alone.")] = Recipe.codes_alone,
    seed: Annotated[int, typer.Option(min=0, help="Another for a training that goes on with `start`.")] = Recipe.seed,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End earlier, after this time.")] = None,
    plates: Annotated[int, typer.Option(min=1, help="Plates to prepare.")] = 2000,
    test: Annotated[int, typer.Option(min=1, help="Faces kept from the training, to measure on.")] = 96,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
) -> None:
    """Train e4e-lite, measure it on unseen photos, write float16 weights."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    loaded = lite.load(models)
    rendered, pool = load_faces(faces, load_parser(models).to(loaded.device)), scenes.plates(plates)
    seen, unseen = (Photographer(rendered.part(part), pool) for part in (slice(None, -test), slice(-test, None)))
    network = begun(loaded) if start is None else load_encoder(start)
    recipe = Recipe(steps=steps, batch=batch, lr=lr, codes_alone=alone, seed=seed)
    taken = train(network, loaded, seen, fabric, recipe, minutes=minutes, checkpoint=checkpoint, log=log)
    reached = {"steps": str(taken), "batch": str(batch), "faces": str(len(seen.faces.w)), "unseen_faces": str(test)}
    reached |= {key: f"{value:.4f}" for key, value in quality(network, loaded, unseen).items()}
    export(network, out, reached)
    print(f"{out}: {reached}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
