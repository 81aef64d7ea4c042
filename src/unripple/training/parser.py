"""Train the person parser on rendered faces and the teacher's mattes.

``python -m unripple.training.parser --faces FOLDER --out models/lite/parser.safetensors --checkpoint FILE``
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from unripple.jobs import allocator
from unripple.known_plate.plates import plate, training_plate
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.parser import Parser
from unripple.settings.plates import STUDY_PLATES
from unripple.training import matted_faces, segmenter
from unripple.training.augment import (
    Dice,
    degraded,
    moved,
    recoloured,
    signed,
    with_ghost,
    with_neighbour,
    with_things,
)
from unripple.training.export import export
from unripple.weights.lite import load_parser


@dataclass
class Portraits:
    """Pictures uint8 (N, H, W, 3), their mattes uint8 (N, H, W), and plates uint8 (P, H, W, 3) of the same size."""

    pictures: Tensor
    mattes: Tensor
    plates: Tensor

    def batch(self, pick: Tensor, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """``rgb (B, 3, H, W)`` and ``matte (B, 1, H, W)`` as rendered, on the CPU; sides divided by ``reduce``."""
        rgb, matte = signed(self.pictures[pick]), self.mattes[pick][:, None].float() / 255
        return F.avg_pool2d(rgb, reduce), F.avg_pool2d(matte, reduce)

    def over_plates(self, pick: Tensor, chosen: Tensor, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """The same, the persons cut out and put over plates ``chosen (B,)``."""
        rgb, matte = self.batch(pick, reduce)
        return torch.lerp(F.avg_pool2d(signed(self.plates[chosen]), reduce), rgb, matte), matte

    def augmented(self, dice: Dice, count: int, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """Six in ten over plates, some of those with a neighbour; some with a ghost, or with a thing in front; moved,
        recoloured and degraded."""
        pick, chosen = dice.index(len(self.pictures), count), dice.index(len(self.plates), count)
        rgb, matte = self.batch(pick, reduce)
        plates = F.avg_pool2d(signed(self.plates[chosen]), reduce)
        plates = with_neighbour(plates, *self.batch(dice.index(len(self.pictures), count), reduce), dice)
        rgb = torch.where(dice.coin(0.6, count), torch.lerp(plates, rgb, matte), rgb)
        rgb = with_ghost(rgb, matte, dice)
        rgb = with_things(rgb, F.avg_pool2d(signed(self.plates[dice.index(len(self.plates), count)]), reduce), dice)
        both = moved(torch.cat((rgb, matte), dim=1), dice, zoom=(0.95, 1.2), turn=8, shift=0.05, mirror=0.5)
        return degraded(recoloured(both[:, :3], dice), dice), both[:, 3:]


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union, per picture, of mattes ``(B, 1, H, W)`` cut at one half; 1 where both are empty."""
    a, b = a > 0.5, b > 0.5
    union = (a | b).flatten(1).sum(dim=1)
    return torch.where(union > 0, (a & b).flatten(1).sum(dim=1) / union.clamp(min=1), torch.ones(()))


@torch.no_grad()
def agreement(parser: Parser, rgb: Tensor, matte: Tensor) -> tuple[float, float]:
    """Mean IoU with the teacher, and the share of pictures above .95."""
    scores = torch.cat([iou(parser(r), m) for r, m in zip(rgb.split(8), matte.split(8), strict=True)])
    return float(scores.mean()), float((scores > 0.95).float().mean())


def quality(parser: Parser, held_out: Portraits, seed: int = 0) -> dict[str, str]:
    """Figures on unseen faces: as rendered, and over plates of the study, which no training sees."""
    everyone = torch.arange(len(held_out.pictures))
    chosen = Dice(seed, 0).index(len(held_out.plates), len(everyone))
    figures = {"unseen_faces": str(len(everyone))}
    for name, (rgb, matte) in (
        ("rendered", held_out.batch(everyone)),
        ("over_plates", held_out.over_plates(everyone, chosen)),
    ):
        mean, above = agreement(parser, rgb, matte)
        figures |= {f"iou_{name}": f"{mean:.4f}", f"above_95_{name}": f"{above:.3f}"}
    return figures


def clutter(plates: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Paste sharp pieces of other plates into each: what few photographs lack is the clutter of a workshop or a street.

    ``plates``: uint8 (P, H, W, 3), not written to.
    """
    count, height, width = plates.shape[:3]
    cluttered = plates.copy()
    for picture in cluttered:
        for _ in range(int(rng.integers(8, 32))):
            other = plates[int(rng.integers(count))]
            if rng.random() < 0.5:  # coarser or finer than what it lands on
                step = int(rng.integers(2, 4))
                other = np.tile(other[::step, ::step], (step + 1, step + 1, 1))[:height, :width]
            centre, reach = rng.uniform(0, (width, height)), rng.uniform(0.05, 0.4) * width
            corners = centre + reach * rng.uniform(-1, 1, (int(rng.integers(3, 7)), 2)) * rng.uniform(0.2, 1, 2)
            shape = np.zeros((height, width), np.uint8)
            if rng.random() < 0.5:
                cv2.fillPoly(shape, [corners.round().astype(np.int32)], 1)
            else:  # rods, frames and rims
                thickness = int(rng.integers(1, 8))
                cv2.polylines(shape, [corners.round().astype(np.int32)], True, 1, thickness)
            picture[shape > 0] = other[shape > 0]
    return cluttered


def load(faces: Path, plates: int, size: int = 256, seed: int = 0) -> tuple[Portraits, Portraits]:
    """What to train on, and what is held out (other persons, other plates)."""
    pictures, mattes, held_out = matted_faces.load(faces)
    rng = np.random.default_rng(seed)
    clean = np.stack([training_plate(rng, size) for _ in range(plates)])
    seen = torch.from_numpy(np.concatenate((clean, clutter(clean, rng))))
    unseen = torch.from_numpy(np.stack([plate(name, rng, size) for name in sorted(STUDY_PLATES) for _ in range(8)]))
    return (
        Portraits(pictures[~held_out], mattes[~held_out], seen),
        Portraits(pictures[held_out], mattes[held_out], unseen),
    )


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces with the teacher's mattes beside them.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("models/lite/parser.safetensors"),
    checkpoint: Annotated[Path | None, typer.Option(help="Resumed from if it exists.")] = None,
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    steps: Annotated[int, typer.Option(min=1)] = 4000,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End earlier, after this time.")] = None,
    batch: Annotated[int, typer.Option(min=2)] = 16,
    plates: Annotated[
        int, typer.Option(min=1, help="How many training plates to prepare, and as many cluttered ones.")
    ] = 600,
    rate: Annotated[float, typer.Option(min=0, help="AdamW's highest step.")] = 2e-3,
    start: Annotated[Path | None, typer.Option(help="Folder of a parser to train further, like models/lite.")] = None,
    seed: int = 0,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
) -> None:
    """Train the parser and print its agreement with the teacher on unseen faces."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    seen, unseen = load(faces, plates, seed=seed)
    recipe = segmenter.Recipe(steps, batch, rate, seed, minutes, half_size=0.6, checkpoint=checkpoint, log=log)
    parser = segmenter.train(partial(load_parser, start) if start else Parser, seen, fabric, recipe)
    figures = quality(parser, unseen, seed)
    export(parser, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
