"""Train the small LaMa on plates and backgrounds, with holes cut from silhouettes of persons.

``python -m unripple.training.inpainter --faces FOLDER --out models/lite/inpainter.safetensors --checkpoint FILE``

No person is ever a target: holes lie in plates, or beside a person who stands before a plate. Without ``--faces`` the
persons are rendered first, and the embedded parser makes their mattes.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from unripple.jobs import allocator
from unripple.known_plate.plates import plate
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.lama_lite import LamaLite
from unripple.networks.st_alexnet import StLpips
from unripple.settings.plates import STUDY_PLATES
from unripple.training import masks, matted_faces, scenes
from unripple.training.augment import Dice, signed
from unripple.training.export import export
from unripple.training.runner import Run
from unripple.training.scenes import Scenes
from unripple.weights.st_lpips import load_st_lpips

#: Weights of the losses: L1 in the hole and outside it, its gradients, ST-LPIPS around the hole.
HOLE, OUTSIDE, GRADIENT, PERCEPTUAL = 4.0, 0.25, 1.0, 2.0
#: Steps between two reports: reading a figure waits for the GPU.
REPORT_EVERY = 20


def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """Forward differences across and down, ``(B, C, H, W)`` each, zero at the far border."""
    across = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return across, down


def painting_loss(
    painted: Tensor, target: Tensor, hole: Tensor, perception: StLpips
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of an inpainting and its parts; all but OUTSIDE look at the hole alone.

    ``painted, target: float (B, 3, H, W)``; ``hole``: bool (B, 1, H, W). ST-LPIPS costs more than the generator and
    is asked about the first half of the batch.
    """
    inside = hole.to(target.dtype)
    share = inside.mean().clamp(min=1e-4)
    error = (painted - target).abs()
    in_hole = (error * inside).mean() / share
    outside = (error * (1 - inside)).mean()
    slopes = [
        ((a - b).abs() * inside).mean() / share for a, b in zip(gradients(painted), gradients(target), strict=True)
    ]
    half = slice((len(target) + 1) // 2)
    composed = torch.where(hole, painted, target)[half].clamp(-1, 1)
    with torch.no_grad():
        wanted = perception.features(target[half])
    size = (target.shape[2], target.shape[3])
    seen = perception.distance_map(perception.features(composed), wanted, size).float()
    perceived = seen.mean() / inside[half].mean().clamp(min=1e-4)
    loss = HOLE * in_hole + OUTSIDE * outside + GRADIENT * sum(slopes) + PERCEPTUAL * perceived
    return loss, {"l1": in_hole.detach(), "st_lpips": perceived.detach()}


def train(
    seen: Scenes,
    fabric: Fabric,
    *,
    steps: int,
    batch: int = 2,
    rate: float = 1.2e-3,
    seed: int = 0,
    minutes: float | None = None,
    half_size: float = 0.85,
    checkpoint: Path | None = None,
    log: Path | None = None,
    ngf: int | None = None,
    blocks: int | None = None,
) -> LamaLite:
    """Adam with warm-up and half a cosine; returns the trained inpainter, on the CPU, in eval mode.

    ``batch``: pictures of a step at full size. ``half_size``: the share of the budget spent at half the scenes' size,
    on four times as many pictures a step.
    """
    torch.manual_seed(seed)
    seen = seen.to(fabric.device)
    sizes = {k: v for k, v in (("ngf", ngf), ("blocks", blocks)) if v is not None}
    plain = LamaLite(**sizes).to(memory_format=torch.channels_last)
    fused = fabric.device.type == "cuda"  # one launch a step
    optimizer = torch.optim.Adam(plain.parameters(), lr=rate, betas=(0.9, 0.99), fused=fused)
    network, optimizer = fabric.setup(plain, optimizer)
    network.mark_forward_method("paint")
    perception = load_st_lpips().to(fabric.device)
    run = Run(
        fabric,
        {"network": network, "optimizer": optimizer},
        steps=steps,
        minutes=minutes,
        checkpoint=checkpoint,
        log=log,
    )
    network.train()
    for step in run:
        for group in optimizer.param_groups:
            group["lr"] = rate * run.rate()
        reduce = 2 if run.progress < half_size else 1
        target, hole = seen.batch(seed, step, batch * reduce**2, reduce)
        painted = network.paint(target, hole).float()
        with fabric.autocast():
            loss, parts = painting_loss(painted, target, hole, perception)
        optimizer.zero_grad()
        fabric.backward(loss)
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()
        if step % REPORT_EVERY == 0:
            run.report(**{name: float(figure) for name, figure in parts.items()})
    return plain.cpu().float().eval()


def telea(rgb: Tensor, hole: Tensor) -> Tensor:
    """OpenCV's Telea inpainting (2004) with its usual radius of 3, the floor; shapes as ``LamaLite``."""
    painted = []
    for picture, mask in zip(rgb, hole, strict=True):
        pixels = picture.add(1).mul(127.5).round().byte().permute(1, 2, 0).contiguous().numpy()
        filled = cv2.inpaint(pixels, mask[0].byte().mul(255).numpy(), 3, cv2.INPAINT_TELEA)
        painted.append(signed(torch.from_numpy(filled)[None])[0])
    return torch.stack(painted)


@torch.no_grad()
def distances(painted: Tensor, target: Tensor, hole: Tensor, perception: StLpips) -> tuple[float, float]:
    """ST-LPIPS of whole pictures (mean over the batch), and mean absolute error inside the holes in grey levels."""
    maps = torch.cat([perception(a, b) for a, b in zip(painted.split(1), target.split(1), strict=True)])
    inside = hole.expand_as(target)
    return float(maps.mean()), float((painted - target).abs()[inside].mean() * 127.5)


@torch.no_grad()
def quality(network: LamaLite, plates: Tensor, silhouettes: Tensor, seed: int = 0) -> dict[str, str]:
    """Figures over holes in unseen plates uint8 (N, H, W, 3): bands and whole persons, beside Telea's.

    ``silhouettes``: mattes uint8 (M, H, W) of unseen persons.
    """
    target, perception = signed(plates), load_st_lpips()
    figures = {"unseen_plates": str(len(plates))}
    for kind, shape in (("bands", masks.band), ("persons", masks.whole)):
        holes: list[Tensor] = []
        draws = (Dice(seed, draw) for draw in count())
        while len(holes) < len(plates):
            dice = next(draws)
            cut = shape(silhouettes[dice.index(len(silhouettes), 1)][:, None] > 127, dice)
            if cut.any():
                holes.append(cut)
        hole = torch.cat(holes)
        ours = torch.cat([network(t, h) for t, h in zip(target.split(1), hole.split(1), strict=True)])
        for name, painted in (("lama_lite", ours), ("telea", telea(target, hole))):
            perceived, error = distances(painted, target, hole, perception)
            figures |= {f"st_lpips_{kind}_{name}": f"{perceived:.5f}", f"l1_{kind}_{name}": f"{error:.2f}"}
    return figures


def load(persons: tuple[Tensor, Tensor, Tensor], plates: int, seed: int = 0) -> tuple[Scenes, Tensor, Tensor]:
    """What to train on; and for the measurement, plates of the study and mattes of held-out persons.

    ``persons``: pictures, mattes, and who is held out, as `matted_faces.load` gives them. Raises ``ValueError`` where
    all are, or none.
    """
    pictures, mattes, held_out = persons
    if held_out.all() or not held_out.any():
        raise ValueError(f"expected some of the {len(held_out)} persons to be held out, found all or none; give more")
    size, rng = pictures.shape[1], np.random.default_rng(seed)
    unseen = torch.from_numpy(np.stack([plate(name, rng, size) for name in sorted(STUDY_PLATES) for _ in range(16)]))
    seen = Scenes(scenes.plates(plates, size, seed), pictures[~held_out], mattes[~held_out])
    return seen, unseen, mattes[held_out]


def main(
    faces: Annotated[
        Path | None,
        typer.Option(help="Folder of rendered faces with the teacher's mattes.", show_default="made anew"),
    ] = None,
    models: Annotated[Path, typer.Option(help="Without --faces: folder of generator, mapping and parser.")] = Path(
        "models/lite"
    ),
    persons: Annotated[int, typer.Option(min=20, help="Without --faces: how many to render.")] = 3000,
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("models/lite/inpainter.safetensors"),
    checkpoint: Annotated[Path | None, typer.Option(help="Resumed from if it exists.")] = None,
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    steps: Annotated[int, typer.Option(min=1)] = 20_000,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End earlier, after this time.")] = None,
    batch: Annotated[int, typer.Option(min=2, help="Pictures of a step at full size; four times as many at half.")] = 2,
    rate: Annotated[float, typer.Option(help="Adam's highest step.")] = 1.2e-3,
    half_size: Annotated[float, typer.Option(min=0, max=1, help="Share of the budget spent at half the size.")] = 0.85,
    plates: Annotated[int, typer.Option(min=1, help="How many training plates to prepare.")] = 1500,
    seed: int = 0,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
) -> None:
    """Train the inpainter and print how it compares with Telea on unseen plates."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    given = scenes.rendered_persons(models, persons, fabric.device) if faces is None else matted_faces.load(faces)
    seen, unseen, silhouettes = load(given, plates, seed)
    network = train(
        seen,
        fabric,
        steps=steps,
        batch=batch,
        rate=rate,
        seed=seed,
        minutes=minutes,
        half_size=half_size,
        checkpoint=checkpoint,
        log=log,
    )
    figures = quality(network, unseen, silhouettes, seed)
    export(network, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
