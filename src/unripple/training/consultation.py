"""Train ADA and Ec (HFGI, sections 3.2 to 3.4) on photos whose low-rate inversions are known.

``python -m unripple.training.consultation --cache FOLDER --checkpoint FILE --out models/lite/consultation.safetensors``

e4e is frozen: its guesses and their renderings come from the encoder's cache. HFGI's recipe: the distortion map is
warped by a random perspective of scale 0.15, ADA brings it back, Ec turns it into what is fused, and the generator must
then give the photo. Losses: L2, L1, perceptual, alignment. ADA starts by passing the map through (see
``networks.consultation.pass_distortion``), its batch norms at rest: the statistics of small batches would blur it. For
the first steps Ec sees the distortion map itself; then both learn together.

The generator is run on a window of the 64x64 layer alone, which is exact but for the margin and costs a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import RandomPerspective

from unripple.files.tensors import to_256, to_tensor
from unripple.jobs import allocator
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.consultation import Aligner, ConsultationEncoder, pass_distortion
from unripple.networks.fusion import Fused
from unripple.networks.mobile_stylegan import MARGIN, MobileStyleGAN, Window, rows
from unripple.networks.st_alexnet import StLpips
from unripple.training.export import export
from unripple.training.runner import Run
from unripple.weights.lite import CONSULTATION_WIDTH, load_consultation, load_generator
from unripple.weights.st_lpips import load_st_lpips


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


@dataclass(frozen=True)
class Samples:
    """What the encoder's cache holds: uint8 ``photo`` and ``rendered (N, 256, 256, 3)``, guessed ``w (N, 512)``."""

    photo: np.ndarray[Any, np.dtype[np.uint8]]
    rendered: np.ndarray[Any, np.dtype[np.uint8]]
    w: Tensor

    def __len__(self) -> int:
        return len(self.w)

    def take(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Photos and renderings as ``float (B, 3, 256, 256)``, and codes ``(B, 512)``."""
        index = chosen.numpy()
        return to_tensor(list(self.photo[index])), to_tensor(list(self.rendered[index])), self.w[chosen]


def load_samples(cache: Path) -> Samples:
    """All photos of the cache whose guesses are there.

    Raises ``FileNotFoundError`` if there are none.
    """
    photos, rendered, codes = [], [], []
    for file in sorted(cache.glob("guess~*.npz")):
        with np.load(file) as guess, np.load(cache / file.name.replace("guess", "photo")) as photo:
            photos.append(photo["rgb"])
            rendered.append(guess["rgb"])
            codes.append(torch.from_numpy(guess["w"]))
    if not codes:
        raise FileNotFoundError(f"{cache}: no guesses; run `python -m unripple.training.encoder` with this cache first")
    return Samples(np.concatenate(photos), np.concatenate(rendered), torch.cat(codes))


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


def weighted(terms: dict[str, Tensor], recipe: object) -> Tensor:
    """The sum of the loss terms by the recipe's lambdas."""
    return torch.stack([getattr(recipe, f"lambda_{name}") * term for name, term in terms.items()]).sum()


def warp(distortion: Tensor, scale: float, random: torch.Generator, chance: float = 1.0) -> Tensor:
    """Each map by its own random perspective, as HFGI misaligns them; or, but for ``chance``, as it is."""
    warped = []
    for one in distortion:
        torch.manual_seed(int(torch.randint(2**31, (), generator=random)))  # torchvision draws from the global state
        warped.append(RandomPerspective(distortion_scale=scale, p=chance)(one))
    return torch.stack(warped)


class Trainer:
    """ADA and Ec with all that their training needs besides the samples."""

    def __init__(
        self,
        generator: MobileStyleGAN,
        samples: Samples,
        recipe: Recipe,
        fabric: Fabric,
        start: Consultation | None = None,
    ) -> None:
        """``start``: Ec begins with the weights of this one's."""
        torch.manual_seed(recipe.seed)
        self.samples, self.recipe, self.fabric = samples, recipe, fabric
        self.generator: MobileStyleGAN = fabric.to_device(generator)  # type: ignore[assignment]
        self.perceptual: StLpips = fabric.to_device(load_st_lpips())  # type: ignore[assignment]
        self.plain = Consultation()
        pass_distortion(self.plain.grid_align)
        if start is not None:
            self.plain.residue.load_state_dict(start.residue.state_dict())
        self.plain.to(memory_format=torch.channels_last)
        groups = [
            {"params": self.plain.grid_align.parameters(), "base": recipe.lr_align},
            {"params": self.plain.residue.parameters(), "base": recipe.lr},
        ]
        optimizer = torch.optim.Adam(groups, recipe.lr, betas=(0.9, 0.99))
        self.module, self.optimizer = fabric.setup(self.plain, optimizer)

    def losses(self, chosen: Tensor, random: torch.Generator, *, joint: bool) -> dict[str, Tensor]:
        """The loss terms of one batch, unweighted."""
        photo, rendered, w = (self.fabric.to_device(x) for x in self.samples.take(chosen))
        distortion = photo - rendered
        warped = warp(distortion, self.recipe.perspective, random)
        aligned, fused = self.module(distortion, warped, rendered, joint=joint)
        window = random_window(self.recipe.window, random)
        w_plus = rows(w)
        with self.fabric.autocast():
            with torch.no_grad():
                state = self.generator.to_fusion(w_plus)
            made = reduced(self.generator.from_fusion(state, w_plus, fused, window)).float()
            made, wanted = inner(made, window), inner(window.cut(photo), window)
            perceptual = self.perceptual(made.clamp(-1, 1), wanted).float().mean()
        return {
            "l2": F.mse_loss(made, wanted),
            "l1": F.l1_loss(made, wanted),
            "perceptual": perceptual,
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
            chosen = torch.randint(len(self.samples), (self.recipe.batch,), generator=random)
            terms = self.losses(chosen, random, joint=run.progress >= self.recipe.alone)
            self.optimizer.zero_grad()
            self.fabric.backward(weighted(terms, self.recipe))
            self.fabric.clip_gradients(self.module, self.optimizer, max_norm=1.0)
            self.optimizer.step()
            run.report(**{name: float(term.detach()) for name, term in terms.items()})
        return run.step


@torch.no_grad()
def quality(module: Consultation, generator: MobileStyleGAN, samples: Samples) -> tuple[float, float]:
    """Mean PSNR in dB (peak 2, at 256) of the low-rate inversions and of HFGI's."""
    low, high = [], []
    module.eval()
    for i in range(len(samples)):
        photo, rendered, w = samples.take(torch.tensor([i]))
        distortion = photo - rendered
        _, fused = module(distortion, distortion, rendered, joint=True)
        made = to_256(generator(rows(w), fused))
        low.append(10 * torch.log10(4 / F.mse_loss(rendered, photo)))
        high.append(10 * torch.log10(4 / F.mse_loss(made, photo)))
    return float(torch.stack(low).mean()), float(torch.stack(high).mean())


def main(
    cache: Annotated[Path, typer.Option(help="The encoder's cache: photos, guesses and their renderings.")],
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of the generator.")] = Path("models/lite"),
    out: Annotated[Path, typer.Option()] = Path("models/lite/consultation.safetensors"),
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=1)] = Recipe.batch,
    minutes: Annotated[float | None, typer.Option(help="End earlier, after this time.")] = None,
    start: Annotated[Path | None, typer.Option(help="Folder whose Ec the training begins with.")] = None,
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
    test: Annotated[int, typer.Option(min=1, help="Photos kept from the training, to measure on.")] = 24,
) -> None:
    """Train ADA and Ec, measure the inversion on unseen photos, write float16 weights."""
    fabric = Fabric(accelerator="auto", devices=1, precision=precision or training_precision(chosen_device()))  # type: ignore[arg-type]
    samples = load_samples(cache)
    seen, unseen = (
        Samples(samples.photo[part], samples.rendered[part], samples.w[part])
        for part in (slice(None, -test), slice(-test, None))
    )
    generator = load_generator(models).to(memory_format=torch.channels_last)
    begun = None
    if start is not None:
        begun = Consultation()
        begun.residue = load_consultation(start)[1]
    trainer = Trainer(generator, seen, Recipe(steps=steps, batch=batch), fabric, begun)
    taken = trainer.run(checkpoint, minutes, log)
    low, high = quality(trainer.plain.float().cpu(), generator.float().cpu(), unseen)
    figures = {"steps": str(taken), "psnr_e4e": f"{low:.2f}", "psnr_hfgi": f"{high:.2f}", "unseen_photos": str(test)}
    export(trainer.plain, out, figures)
    print(f"{out}: {figures}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
