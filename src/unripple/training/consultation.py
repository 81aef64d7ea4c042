"""Train ADA and Ec (HFGI, sections 3.2 to 3.4) on photos of rendered faces and what the encoder makes of them.

``python -m unripple.training.consultation --faces FOLDER --checkpoint FILE --out models/lite/consultation.safetensors``

e4e is frozen. HFGI's recipe: the distortion map is warped by a random perspective of scale 0.15, ADA brings it back, Ec
turns it into what is fused, and the generator must then give the photo. Losses: L2, L1, perceptual, alignment. ADA
starts by passing the map through (see ``networks.consultation.pass_distortion``), its batch norms at rest: the
statistics of small batches would blur it. For the first steps Ec sees the distortion map itself; then both learn
together.

Studies refine the encoder's codes: some of the guesses are moved towards the true code. The layered edit fuses what the
person lost alone: half of the maps are zero outside the person, and there the inversion is to stay as it is.

The generator can be run on a window of the 64x64 layer alone, which is exact but for the margin and costs a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import RandomPerspective

from unripple.files.tensors import to_256
from unripple.jobs import allocator
from unripple.models import lite
from unripple.models.devices import chosen_device, training_precision
from unripple.models.lite import LiteModels
from unripple.networks.consultation import Aligner, ConsultationEncoder, pass_distortion
from unripple.networks.fusion import Fused
from unripple.networks.mobile_stylegan import MARGIN, Window, rows
from unripple.training import scenes
from unripple.training.augment import Dice
from unripple.training.export import export
from unripple.training.photographed import Photographer, Photos, load_faces
from unripple.training.runner import Run, weighted
from unripple.weights.lite import CONSULTATION_WIDTH, load_consultation, load_parser

#: How far towards the true code guesses are moved, at most; and the share of maps of the person alone.
NEARER, PERSONS = 0.7, 0.5


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training."""

    steps: int = 1500
    batch: int = 3
    lr: float = 2e-3
    lr_align: float = 5e-4  # ADA has a start to lose
    alone: float = 0.1  # share of the budget in which ADA and Ec learn apart
    perspective: float = 0.15
    window: int = 32  # cells of 64
    lambda_l2: float = 1.0
    lambda_l1: float = 0.5
    lambda_perceptual: float = 0.2
    lambda_align: float = 0.5
    seed: int = 0


class Sample(NamedTuple):
    """``wanted``, the picture that the generator is to make, and ``rendered``, what it makes of the code alone:
    ``float (B, 3, 256, 256)``; ``w (B, 512)``, the code.
    """

    wanted: Tensor
    rendered: Tensor
    w: Tensor


@torch.no_grad()
def guessed(photos: Photos, models: LiteModels) -> Sample:
    """Photos and what the encoder makes of them."""
    w = models.encoder(photos.rgb)[:, 0].float()
    return Sample(photos.rgb, models.small_picture(rows(w)).float(), w)


@torch.no_grad()
def varied(photos: Photos, models: LiteModels, dice: Dice) -> Sample:
    """The same, but with some codes nearer to the true ones, and some asked for the person alone."""
    count, guess = len(photos.w), models.encoder(photos.rgb)[:, 0].float()
    nearer = dice.uniform(0, NEARER, count, 1) * dice.coin(0.5, count).view(count, 1)
    w = guess + nearer * (photos.w - guess)
    rendered = models.small_picture(rows(w)).float()
    person = torch.lerp(rendered, photos.rgb, photos.matte)
    return Sample(torch.where(dice.coin(PERSONS, count), person, photos.rgb), rendered, w)


class Consultation(nn.Module):
    """ADA and Ec as one module, with the published prefixes."""

    def __init__(self, width: int = CONSULTATION_WIDTH) -> None:
        super().__init__()
        self.grid_align = Aligner()
        self.residue = ConsultationEncoder(width)

    def forward(self, distortion: Tensor, warped: Tensor, edited: Tensor, *, joint: bool) -> tuple[Tensor, Fused]:
        """The aligned map, and what is fused: of the aligned map, or of the distortion itself unless ``joint``."""
        aligned = self.grid_align(warped, edited)
        return aligned, self.residue(aligned if joint else distortion)


def random_window(side: int, random: torch.Generator) -> Window:
    """A window anywhere in the 64x64 layer."""
    top, left = torch.randint(0, 64 - side + 1, (2,), generator=random).tolist()
    return Window(top, left, side)


def inner(x: Tensor, window: Window) -> Tensor:
    """``x``: a window's picture at 4 px a cell -> without the margin along sides that are cut."""
    margin = 4 * MARGIN
    end = window.side * 4
    top, left = margin * (window.top > 0), margin * (window.left > 0)
    bottom = end - margin * (window.top + window.side < 64)
    right = end - margin * (window.left + window.side < 64)
    return x[..., top:bottom, left:right]


def reduced(rgb: Tensor) -> Tensor:
    """A window's picture at 16 px a cell -> 4 px a cell, by HFGI's reduction (bilinear, not antialiased), unclamped."""
    return F.interpolate(rgb, scale_factor=0.25, mode="bilinear", align_corners=False)


def warp(distortion: Tensor, scale: float, random: torch.Generator, chance: float = 1.0) -> Tensor:
    """Each map by its own random perspective, as HFGI misaligns them; or, but for ``chance``, as it is."""
    warped = []
    for one in distortion:
        torch.manual_seed(int(torch.randint(2**31, (), generator=random)))  # torchvision draws from the global state
        warped.append(RandomPerspective(distortion_scale=scale, p=chance)(one))
    return torch.stack(warped)


class Trainer:
    """ADA and Ec with all that their training needs."""

    def __init__(
        self,
        models: LiteModels,
        photographer: Photographer,
        recipe: Recipe,
        fabric: Fabric,
        start: Consultation | None = None,
    ) -> None:
        """``start``: the weights that ADA and Ec begin with, where they are not to begin anew."""
        torch.manual_seed(recipe.seed)
        self.models, self.photographer, self.recipe, self.fabric = models, photographer, recipe, fabric
        self.plain = Consultation()
        pass_distortion(self.plain.grid_align)
        if start is not None:
            self.plain.load_state_dict(start.state_dict())
        self.plain.to(memory_format=torch.channels_last)
        groups = [
            {"params": self.plain.grid_align.parameters(), "base": recipe.lr_align},
            {"params": self.plain.residue.parameters(), "base": recipe.lr},
        ]
        optimizer = torch.optim.Adam(groups, recipe.lr, betas=(0.9, 0.99))
        self.module, self.optimizer = fabric.setup(self.plain, optimizer)

    def losses(self, drawn: Sample, random: torch.Generator, *, joint: bool) -> dict[str, Tensor]:
        """The loss terms of one batch, unweighted."""
        generator, perceptual = self.models.generator, self.models.perceptual
        wanted, rendered, w = drawn
        distortion = wanted - rendered
        warped = warp(distortion, self.recipe.perspective, random)
        aligned, fused = self.module(distortion, warped, rendered, joint=joint)
        window = random_window(self.recipe.window, random)
        w_plus = rows(w)
        with self.fabric.autocast():
            with torch.no_grad():
                state = generator.to_fusion(w_plus)
            made = reduced(generator.from_fusion(state, w_plus, fused, window)).float()
            made, wanted = inner(made, window), inner(window.cut(wanted), window)
            seen = perceptual(made.clamp(-1, 1), wanted).float().mean()
        return {
            "l2": F.mse_loss(made, wanted),
            "l1": F.l1_loss(made, wanted),
            "perceptual": seen,
            "align": F.l1_loss(aligned.float(), distortion),
        }

    def run(self, checkpoint: Path | None = None, minutes: float | None = None, log: Path | None = None) -> int:
        """Train to the end of the budget, from the checkpoint where there is one; returns the steps taken in all."""
        run = Run(
            self.fabric,
            {"module": self.module, "optimizer": self.optimizer},
            steps=self.recipe.steps,
            minutes=minutes,
            checkpoint=checkpoint,
            log=log,
        )
        self.module.train()
        self.plain.grid_align.eval()
        for step in run:
            for group in self.optimizer.param_groups:
                group["lr"] = group["base"] * run.rate()
            # each step draws from its own number alone, so that a resumed run equals an unbroken one
            random = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + step)
            dice = Dice(self.recipe.seed, step, self.fabric.device)
            photos = self.photographer.take(dice, self.recipe.batch)
            with self.fabric.autocast():
                drawn = varied(photos, self.models, dice)
            terms = self.losses(drawn, random, joint=run.progress >= self.recipe.alone)
            self.optimizer.zero_grad()
            self.fabric.backward(weighted(terms, self.recipe))
            self.fabric.clip_gradients(self.module, self.optimizer, max_norm=1.0)
            self.optimizer.step()
            run.report(**{name: float(term.detach()) for name, term in terms.items()})
        return run.step


@torch.no_grad()
def quality(module: Consultation, models: LiteModels, photographer: Photographer) -> tuple[float, float]:
    """Mean PSNR in dB (peak 2, at 256) of low-rate inversions and of HFGI's; of all faces, each photographed once."""
    low, high = [], []
    module.eval()
    for i in range(len(photographer.faces.w)):
        photos = photographer.photos(torch.tensor([i]), Dice(0, i, photographer.plates.device))
        photo, rendered, w = guessed(photos, models)
        distortion = photo - rendered
        _, fused = module(distortion, distortion, rendered, joint=True)
        made = to_256(models.generator(rows(w), fused))
        low.append(10 * torch.log10(4 / F.mse_loss(rendered, photo)))
        high.append(10 * torch.log10(4 / F.mse_loss(made, photo)))
    return float(torch.stack(low).mean()), float(torch.stack(high).mean())


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.")],
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of generator, parser and encoder.")] = Path("models/lite"),
    out: Annotated[Path, typer.Option()] = Path("models/lite/consultation.safetensors"),
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=1)] = Recipe.batch,
    window: Annotated[int, typer.Option(min=16, max=64, help="Cells of 64; 64 is the whole picture.")] = Recipe.window,
    minutes: Annotated[float | None, typer.Option(help="End earlier, after this time.")] = None,
    start: Annotated[Path | None, typer.Option(help="Folder whose consultation the training begins with.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = Recipe.seed,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
    plates: Annotated[int, typer.Option(min=1, help="Plates to prepare.")] = 2000,
    test: Annotated[int, typer.Option(min=1, help="Faces kept from the training, to measure on.")] = 24,
) -> None:
    """Train ADA and Ec, measure the inversion on unseen photos, write float16 weights."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    loaded = lite.load(models)
    rendered, pool = load_faces(faces, load_parser(models).to(loaded.device)), scenes.plates(plates)
    seen, unseen = (Photographer(rendered.part(part), pool) for part in (slice(None, -test), slice(-test, None)))
    begun = None
    if start is not None:
        begun = Consultation()
        begun.grid_align, begun.residue = load_consultation(start)
    recipe = Recipe(steps=steps, batch=batch, window=window, seed=seed)
    trainer = Trainer(loaded, seen, recipe, fabric, begun)
    taken = trainer.run(checkpoint, minutes, log)
    low, high = quality(trainer.plain.float(), loaded, unseen)
    figures = {"steps": str(taken), "batch": str(batch), "faces": str(len(seen.faces.w)), "unseen_faces": str(test)}
    figures |= {"psnr_e4e": f"{low:.2f}", "psnr_hfgi": f"{high:.2f}"}
    export(trainer.plain, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
