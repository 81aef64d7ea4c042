"""Train the small LaMa on plates and backgrounds, with holes cut from silhouettes of persons.

``python -m unripple.training.inpainter --faces FOLDER --out models/lite/inpainter.safetensors --checkpoint FILE``

No person is ever a target: holes lie in plates, or beside a person who stands before a plate.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from unripple.known_plate.plates import plate, training_plate
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.lama_lite import LamaLite
from unripple.networks.st_alexnet import StLpips
from unripple.settings.plates import STUDY_PLATES
from unripple.training import masks, matted_faces
from unripple.training.augment import Dice, recoloured, signed
from unripple.training.export import export
from unripple.training.runner import Run
from unripple.weights.st_lpips import load_st_lpips

#: Weights of the losses: L1 in the hole and outside it, its gradients, ST-LPIPS around the hole.
HOLE, OUTSIDE, GRADIENT, PERCEPTUAL = 4.0, 0.25, 1.0, 2.0


@dataclass
class Scenes:
    """Plates uint8 (P, H, W, 3), persons' pictures uint8 (N, H, W, 3) and their mattes uint8 (N, H, W)."""

    plates: Tensor
    pictures: Tensor
    mattes: Tensor

    def sample(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One target ``rgb float (3, H, W)`` and its hole, bool (1, H, W); never a person under the hole."""
        who = int(rng.integers(len(self.pictures)))
        matte = self.mattes[who][None].float() / 255
        silhouette = matte[0].numpy() > 0.5
        if rng.random() < 0.5:
            silhouette, matte = np.ascontiguousarray(silhouette[:, ::-1]), matte.flip(-1)
            picture = signed(self.pictures[who][None])[0].flip(-1)
        else:
            picture = signed(self.pictures[who][None])[0]
        background = signed(self.plates[int(rng.integers(len(self.plates)))][None])[0]
        kind = rng.random()
        if kind < 0.3:
            hole = masks.whole(silhouette, rng)
            target = background
        elif kind < 0.5:
            hole = masks.band(silhouette, rng)
            target = background
        else:
            hole = masks.band(silhouette, rng, person=matte[0].numpy() > 0.2)
            target = picture if kind < 0.65 else torch.lerp(background, picture, matte)
        return target, torch.from_numpy(hole)[None]

    def batch(self, seed: int, step: int, count: int, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """Targets ``(B, 3, H, W)`` and holes ``(B, 1, H, W)`` of one step; sides divided by ``reduce``."""
        rng = np.random.default_rng((seed, step))
        pairs = [self.sample(rng) for _ in range(count)]
        rgb, hole = torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])
        if reduce > 1:
            rgb = F.avg_pool2d(rgb, reduce)
            hole = F.avg_pool2d(hole.float(), reduce) > 0.5
        return recoloured(rgb, Dice(seed, step)), hole


def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """Forward differences across and down, ``(B, C, H, W)`` each, zero at the far border."""
    across = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return across, down


def painting_loss(
    painted: Tensor, target: Tensor, hole: Tensor, perception: StLpips
) -> tuple[Tensor, dict[str, float]]:
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
    return loss, {"l1": float(in_hole.detach()), "st_lpips": float(perceived.detach())}


def train(
    scenes: Scenes,
    fabric: Fabric,
    *,
    steps: int,
    batch: int = 8,
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

    ``half_size``: the share of the budget spent at half the scenes' size (where a step costs a quarter); a batch at
    full size has a quarter of the pictures.
    """
    torch.manual_seed(seed)
    sizes = {k: v for k, v in (("ngf", ngf), ("blocks", blocks)) if v is not None}
    plain = LamaLite(**sizes).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(plain.parameters(), lr=rate, betas=(0.9, 0.99))
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
        target, hole = fabric.to_device(scenes.batch(seed, step, max(2, batch * reduce**2 // 4), reduce))
        painted = network.paint(target, hole).float()
        with fabric.autocast():
            loss, parts = painting_loss(painted, target, hole, perception)
        optimizer.zero_grad()
        fabric.backward(loss)
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()
        run.report(**parts)
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
    rng = np.random.default_rng(seed)
    target, perception = signed(plates), load_st_lpips()
    figures = {"unseen_plates": str(len(plates))}
    for kind, shape in (("bands", masks.band), ("persons", masks.whole)):
        holes: list[Tensor] = []
        while len(holes) < len(plates):
            cut = shape(silhouettes[int(rng.integers(len(silhouettes)))].numpy() > 127, rng)
            if cut.any():
                holes.append(torch.from_numpy(cut)[None])
        hole = torch.stack(holes)
        ours = torch.cat([network(t, h) for t, h in zip(target.split(1), hole.split(1), strict=True)])
        for name, painted in (("lama_lite", ours), ("telea", telea(target, hole))):
            perceived, error = distances(painted, target, hole, perception)
            figures |= {f"st_lpips_{kind}_{name}": f"{perceived:.5f}", f"l1_{kind}_{name}": f"{error:.2f}"}
    return figures


def load(faces: Path, plates: int, size: int = 256, seed: int = 0) -> tuple[Scenes, Tensor, Tensor]:
    """What to train on; and for the measurement, plates of the study and mattes of held-out persons."""
    pictures, mattes, held_out = matted_faces.load(faces)
    rng = np.random.default_rng(seed)
    seen = torch.from_numpy(np.stack([training_plate(rng, size) for _ in range(plates)]))
    unseen = torch.from_numpy(np.stack([plate(name, rng, size) for name in sorted(STUDY_PLATES) for _ in range(16)]))
    return Scenes(seen, pictures[~held_out], mattes[~held_out]), unseen, mattes[held_out]


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces with the teacher's mattes beside them.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("models/lite/inpainter.safetensors"),
    checkpoint: Annotated[Path | None, typer.Option(help="Resumed from if it exists.")] = None,
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    steps: Annotated[int, typer.Option(min=1)] = 20_000,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End earlier, after this time.")] = None,
    batch: Annotated[int, typer.Option(min=2)] = 8,
    plates: Annotated[int, typer.Option(min=1, help="How many training plates to prepare.")] = 1500,
    seed: int = 0,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
) -> None:
    """Train the inpainter and print how it compares with Telea on unseen plates."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    scenes, unseen, silhouettes = load(faces, plates, seed=seed)
    network = train(
        scenes, fabric, steps=steps, batch=batch, seed=seed, minutes=minutes, checkpoint=checkpoint, log=log
    )
    figures = quality(network, unseen, silhouettes, seed)
    export(network, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
