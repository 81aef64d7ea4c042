"""Train ADA on true turns of the generator's faces (Wang et al., CVPR 2022, section 5.2: alignment of large turns).

``python -m unripple.training.turns --faces FOLDER --cache FOLDER --checkpoint FILE``

HFGI's ADA learned to undo a random perspective of the distortion map, under which everything stays in sight. Here it
learns what an edit does: a face of known code is turned, and with it its low-rate inversion, whose code the encoder
guessed. ADA gets what the inversion lost before the turn, and should give what the edit lacks after it; what turns into
sight is nowhere in the map, and what turns out of sight must go. The faces are those whose guesses are at hand
(`guesses`, `turned_faces`).

ADA starts as the shipped one, its batch norms at rest, as in the training of the consultation; Ec and the generator
take no part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor

from unripple.detectors.face_mesh import FaceMesh
from unripple.jobs import allocator
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.consultation import Aligner, pass_distortion
from unripple.stages.aligned_edit import moved_distortions
from unripple.stages.motion import motion
from unripple.training.augment import Dice, signed
from unripple.training.export import export
from unripple.training.runner import Run
from unripple.training.turned_faces import Batch, Turns, load_turns, miss
from unripple.weights.lite import load_consultation

#: Distortion maps and edits, ``float (B, 3, H, W)`` each -> maps aligned to the edits.
Align = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training."""

    steps: int = 4000
    batch: int = 6
    lr: float = 5e-4
    mirrored: float = 0.5
    seed: int = 0


def train(
    turns: Turns,
    aligner: Aligner,
    fabric: Fabric,
    recipe: Recipe,
    *,
    minutes: float | None = None,
    checkpoint: Path | None = None,
    log: Path | None = None,
) -> int:
    """Train ``aligner`` in place, from the checkpoint where there is one; returns the steps taken in all.

    Args:
        turns: trained on.
        aligner: as it starts.
        fabric: where and how precisely.
        recipe: of the optimisation.
        minutes: end earlier, after this time.
        checkpoint, log: resumed from, and written.
    """
    aligner.requires_grad_(True).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(aligner.parameters(), recipe.lr, betas=(0.9, 0.99))
    module, optimizer = fabric.setup(aligner, optimizer)
    state = {"module": module, "optimizer": optimizer}
    run = Run(fabric, state, steps=recipe.steps, minutes=minutes, checkpoint=checkpoint, log=log)
    module.eval()  # batch norms at rest: the statistics of small batches would blur the map
    for step in run:
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * run.rate()
        dice = Dice(recipe.seed, step)
        chosen, mirrored = dice.index(len(turns), recipe.batch), dice.coin(recipe.mirrored, recipe.batch)
        batch: Batch = fabric.to_device(turns.take(chosen, mirrored))
        loss = miss(module(batch.distortion, batch.edited).float(), batch.target, batch.matte)
        optimizer.zero_grad()
        fabric.backward(loss)
        fabric.clip_gradients(module, optimizer, max_norm=1.0)
        optimizer.step()
        run.report(loss=float(loss.detach()))
    return run.step


@torch.no_grad()
def quality(align: Callable[[Turns], Sequence[Tensor]], turns: Turns) -> tuple[float, float]:
    """How far maps are from those wanted, within the turned person: mean L1, and mean PSNR in dB (peak 2).

    ``align``: turns -> a map ``(3, H, W)`` for each.
    """
    batch = turns.take(torch.arange(len(turns)), torch.tensor(False))
    found = []
    for aligned, target, matte in zip(align(turns), batch.target, batch.matte, strict=True):
        error, pixels = aligned - target, 3 * matte.sum().clamp(min=1)
        square = (matte * error.square()).sum() / pixels
        found.append(torch.stack(((matte * error.abs()).sum() / pixels, 10 * torch.log10(4 / square.clamp(min=1e-10)))))
    l1, psnr = torch.stack(found).mean(dim=0).tolist()
    return l1, psnr


@torch.no_grad()
def by_network(align: Align, turns: Turns) -> list[Tensor]:
    """The maps of turns, aligned by a network, one after the other."""
    single = (turns.take(torch.tensor([i]), torch.tensor(False)) for i in range(len(turns)))
    return [align(one.distortion, one.edited)[0] for one in single]


def by_motion(turns: Turns) -> Tensor:
    """The maps of turns, moved by the motion that is measured between inversion and edit: ``(N, 3, H, W)``.

    A study measures it in pictures of more than these 256 pixels.
    """
    mesh = FaceMesh()
    pairs = zip(turns.rendered.numpy(), turns.edited.numpy(), strict=True)
    backward = torch.from_numpy(np.stack([motion(before, after, mesh).backward for before, after in pairs]))
    return moved_distortions(signed(turns.photo) - signed(turns.rendered), backward)


def figures(trained: Align, shipped: Align, turns: Turns) -> dict[str, str]:
    """`quality` of ADA after and before this training, of the motion, of the map as it is and of none at all."""
    ways: dict[str, Callable[[Turns], Sequence[Tensor]]] = {
        "none": partial(by_network, lambda distortion, _: torch.zeros_like(distortion)),
        "unaligned": partial(by_network, lambda distortion, _: distortion),
        "ada": partial(by_network, shipped),
        "motion": lambda some: list(by_motion(some)),
        "ada_pose": partial(by_network, trained),
    }
    found: dict[str, str] = {}
    for name, way in ways.items():
        l1, psnr = quality(way, turns)
        found |= {f"l1_{name}": f"{l1:.4f}", f"psnr_{name}": f"{psnr:.2f}"}
    return found


def main(
    faces: Annotated[Path, typer.Option(help="Folder of the rendered faces.")],
    cache: Annotated[Path, typer.Option(help="Photos and guesses (`guesses`); the turns are kept there.")],
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of generator, pose direction, parser and consultation.")] = Path(
        "models/lite"
    ),
    out: Annotated[Path, typer.Option()] = Path("models/lite/ada_pose.safetensors"),
    start: Annotated[
        Literal["ada", "pass"], typer.Option(help="Begin with the consultation's ADA, or by passing the map through.")
    ] = "ada",
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=1)] = Recipe.batch,
    lr: Annotated[float, typer.Option()] = Recipe.lr,
    seed: Annotated[int, typer.Option()] = Recipe.seed,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End earlier, after this time.")] = None,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
    test: Annotated[int, typer.Option(min=1, help="Turns kept from the training, to measure on.")] = 48,
) -> None:
    """Render the turns, train ADA on them, measure it on unseen ones, write float16 weights."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    turns = load_turns(faces, cache, models)
    if len(turns) <= test:
        raise typer.BadParameter(f"--test {test}: expected fewer than the {len(turns)} turns in {cache}")
    (shipped, _), (aligner, _) = load_consultation(models), load_consultation(models)
    if start == "pass":
        pass_distortion(aligner := Aligner())
    recipe = Recipe(steps=steps, batch=batch, lr=lr, seed=seed)
    seen, unseen = turns.part(slice(None, -test)), turns.part(slice(-test, None))
    taken = train(seen, aligner, fabric, recipe, minutes=minutes, checkpoint=checkpoint, log=log)
    reached = figures(aligner.float().cpu().eval(), shipped, unseen)
    reached |= {"steps": str(taken), "turns": str(len(seen)), "unseen_turns": str(test), "start": start}
    export(aligner, out, reached)
    print(f"{out}: {reached}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
