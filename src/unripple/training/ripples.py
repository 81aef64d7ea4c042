"""Train the ripple finder on known-plate pairs, and measure it beside the bit operation on unseen ones.

``python -m unripple.training.ripples --faces FOLDER --cache FOLDER --checkpoint FILE``

What is to be marked is `known_plate.after_image`. The network sees what a study has: photo, low-rate inversion, HFGI's
edit and the low-rate edit, never the truth. The pairs show the edits of the models in use (`ripple_pairs`): train it
anew when the encoder or the consultation was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from unripple.files.pictures import Mask
from unripple.files.tensors import to_arrays
from unripple.jobs import allocator
from unripple.known_plate.after_image import KnownEdit, after_image
from unripple.models import lite
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.parser import Parser
from unripple.networks.ripple_finder import RippleFinder, evidence
from unripple.settings.study import Parse, Ripple
from unripple.stages.ripple import learned_mask, ripple_mask
from unripple.training import rendered_faces, ripple_pairs, segmenter
from unripple.training.augment import Dice, moved, recoloured, signed
from unripple.training.export import export
from unripple.weights.lite import load_parser

#: What the network sees of a pair, in the order in which it takes it.
SEEN: Final = ("photo", "inversion", "edit", "low_rate_edit")
#: A study's matte threshold, and by how much it grows its masks.
THRESHOLD, GROWN = Parse().threshold, Ripple().dilate


@dataclass
class Pairs:
    """``pictures uint8 (N, 4, H, W, 3)``, see `SEEN`; ``ripples, person bool (N, H, W)``: the truth's, of the edit."""

    pictures: Tensor
    ripples: Tensor
    person: Tensor

    def batch(self, pick: Tensor, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """The four pictures beside each other, ``rgb (B, 3, H, 4W)``, and ``ripples (B, 1, H, W)``, sides reduced."""
        beside = torch.cat([signed(self.pictures[pick, number]) for number in range(len(SEEN))], dim=3)
        return F.avg_pool2d(beside, reduce), F.avg_pool2d(self.ripples[pick][:, None].float(), reduce)

    def augmented(self, dice: Dice, count: int, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """What the network looks at, ``(B, 12, H, W)``, and the ripples in it: all recoloured, some softened, moved."""
        beside, ripples = self.batch(dice.index(len(self.pictures), count), reduce)
        x = evidence(*recoloured(beside, dice).chunk(len(SEEN), dim=3))
        # A study's pictures were made smaller with a filter, those of the pairs without one.
        x = torch.where(dice.coin(0.5, count), softened(x), x)
        both = moved(torch.cat((x, ripples), dim=1), dice, zoom=(0.95, 1.15), turn=8, shift=0.05, mirror=0.5)
        return both[:, :-1], both[:, -1:]


def softened(x: Tensor) -> Tensor:
    """``(B, C, H, W)`` smoothed by the binomial filter 1 2 1, mirrored at the borders."""
    kernel = torch.tensor([1.0, 2.0, 1.0]).to(x)
    weight = (kernel[:, None] * kernel / 16).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, groups=x.shape[1])


def load(files: Sequence[Path]) -> Pairs:
    """The pairs of some files, with what is to be marked in them."""
    pictures, ripples, person = [], [], []
    for file in files:
        with np.load(file) as arrays:
            part = {name: arrays[name] for name in (*SEEN, "truth", "person")}
        pictures.append(torch.from_numpy(np.stack([part[name] for name in SEEN], axis=1)))
        known = [KnownEdit(**{name: part[name][n] for name in (*SEEN, "truth")}) for n in range(len(part["truth"]))]
        ripples.append(torch.from_numpy(np.stack([after_image(one) for one in known])))
        person.append(torch.from_numpy(part["person"] > 127))
    return Pairs(torch.cat(pictures), torch.cat(ripples), torch.cat(person))


def scores(marked: Mask, right: Mask, inside: Mask) -> dict[str, float]:
    """Precision, recall and IoU of masks over all pixels of all pictures, and the recall inside and outside the person.

    What is marked, what should be, and the persons, each ``bool (N, H, W)``. NaN where nothing is or should be marked.
    """

    def share(part: Mask, of: Mask) -> float:
        return float(part.sum() / of.sum()) if of.any() else float("nan")

    hit = marked & right
    return {
        "precision": share(hit, marked),
        "recall": share(hit, right),
        "iou": share(hit, marked | right),
        "recall_inside": share(hit & inside, right & inside),
        "recall_outside": share(hit & ~inside, right & ~inside),
    }


@torch.no_grad()
def quality(network: RippleFinder, parser: Parser, pairs: Pairs) -> dict[str, str]:
    """Figures on unseen faces: `scores` of the learned mask and of the bit operation, as found and grown as in a study.

    The bit operation is the study's: the parser's person of the photo AND NOT that of the edit.
    """
    each = range(len(pairs.pictures))
    found = [to_arrays(network(*pairs.batch(torch.tensor([n]))[0].chunk(len(SEEN), dim=3)))[0] for n in each]
    before, after = (
        [to_arrays(parser(signed(pairs.pictures[[n], SEEN.index(name)])))[0] >= THRESHOLD for n in each]
        for name in ("photo", "edit")
    )
    figures = {"unseen_faces": str(len(each)), "ripples": f"{float(pairs.ripples.float().mean()):.4f}"}
    for ending, dilate in (("", 0), ("_grown", GROWN)):
        masks = {
            "learned": [learned_mask(one, dilate) for one in found],
            "bits": [ripple_mask(*persons, dilate=dilate) for persons in zip(before, after, strict=True)],
        }
        for name, marked in masks.items():
            reached = scores(np.stack(marked), pairs.ripples.numpy(), pairs.person.numpy())
            figures |= {f"{score}_{name}{ending}": f"{value:.3f}" for score, value in reached.items()}
    return figures


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces that no other training saw.")],
    cache: Annotated[Path, typer.Option(help="Folder for the pairs.")],
    models: Annotated[Path, typer.Option(help="Folder of the models whose edits the network learns from.")] = Path(
        "models/lite"
    ),
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("models/lite/ripple_finder.safetensors"),
    checkpoint: Annotated[Path | None, typer.Option(help="Resumed from if it exists.")] = None,
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="How many to train on.")] = 2000,
    held_out: Annotated[int, typer.Option(min=1, help="How many to measure on.")] = 200,
    steps: Annotated[int, typer.Option(min=1)] = 6000,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End the training earlier, after this time.")] = None,
    batch: Annotated[int, typer.Option(min=2)] = 16,
    rate: Annotated[float, typer.Option(min=0, help="AdamW's highest step.")] = 2e-3,
    seed: int = 0,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
) -> None:
    """Make the pairs that are not there yet, train the finder, and print its figures and those of the bit operation."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    try:
        chosen = ripple_pairs.split(ripple_pairs.parts(rendered_faces.chunks(faces)), pairs, held_out)
    except ValueError as few:
        raise typer.BadParameter(str(few)) from None
    files = ripple_pairs.make_all(chosen, cache, lite.load(models), seed)
    recipe = segmenter.Recipe(steps, batch, rate, seed, minutes, checkpoint=checkpoint, log=log)
    network = segmenter.train(RippleFinder, load(files["seen"]), fabric, recipe)
    figures = quality(network, load_parser(models), load(files["unseen"]))
    export(network, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
