"""Train ADA and Ec with the published StyleGAN2 and e4e, by HFGI's recipe (sections 3.2 to 3.4, 4.1).

``python -m unripple.training.hfgi --photos FFHQ --checkpoint FILE --out models/own [--devices 4]``

Generator and encoder are frozen. As in the ``lite`` training the distortion map is moved by a random perspective, ADA
brings it back and Ec turns it into what is fused; here both learn together from the first step, batch norms included,
and the whole picture is compared, at 256: L2, LPIPS-Alex, ArcFace's identity, alignment.

With ``--misalign pose`` every second step shows ADA true turns instead (`hfgi_turns`), and what it has learned becomes
the network of the row ``ada_pose``. With ``--start`` it learns for an Ec that is there and stays as it is.

What differs from the authors' code: the generator adds its stored noise, as when it is used, not new noise; the frozen
encoder's batch norms are at rest; RAdam stands for Ranger, which is RAdam with look-ahead; Ec starts by fusing nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.files.data import write_json
from unripple.files.tensors import to_256, write_tensors
from unripple.jobs import allocator
from unripple.models.devices import chosen_device, training_precision
from unripple.networks.arcface import ArcFace, crop_face
from unripple.networks.consultation import Aligner, ConsultationEncoder
from unripple.networks.e4e import E4E
from unripple.networks.layout import channels_last
from unripple.networks.pyramid import INPUT_SIZE
from unripple.networks.stylegan2 import StyleGAN2
from unripple.training.consultation import Consultation, warp
from unripple.training.hfgi_turns import Task, Turning, drawn
from unripple.training.photos import Draws, Photos, loader
from unripple.training.runner import Run, weighted
from unripple.training.turned_faces import miss
from unripple.weights.lpips_alex import load_lpips_alex
from unripple.weights.own import own_file
from unripple.weights.published.load import load_part, load_tensor
from unripple.weights.published.manifest import WeightsError, checksum
from unripple.weights.roles import LATENT_AVG, PUBLISHED, converted_file, provenance_file

#: Middle channels of Ec's heads in the published network.
WIDTH = 512
#: What to do about a checkpoint of another training.
OTHER = "give the settings and photos that it was begun with, or another --checkpoint"


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters; the defaults are HFGI's. ``batch`` is that of all devices together."""

    steps: int = 100_000
    batch: int = 8
    lr: float = 1e-4
    perspective: float = 0.15
    moved: float = 0.8  # share of the distortion maps that the perspective moves
    misalign: Literal["perspective", "pose"] = "perspective"
    lambda_l2: float = 1.0
    lambda_lpips: float = 0.8
    lambda_identity: float = 0.1
    lambda_align: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Frozen:
    """The networks that a training reads and never changes.

    ``encoder``: rgb at 256 -> ``w_plus - latent_avg``; ``latent_avg: (rows, 512)``; ``lpips``: two pictures -> their
    distance; ``identity``: rgb at 112 -> unit vectors.
    """

    generator: StyleGAN2
    encoder: nn.Module
    latent_avg: Tensor
    lpips: nn.Module
    identity: nn.Module

    @classmethod
    def published(cls, models: Path) -> Frozen:
        """From the converted files of e4e and ArcFace, and AlexNet as published.

        Raises ``WeightsError`` that names the first file that is missing or another than expected.
        """
        e4e = converted_file(models, "e4e")
        return cls(
            channels_last(load_part(StyleGAN2, e4e, "decoder.")),
            channels_last(load_part(E4E, e4e, "encoder.")),
            load_tensor(e4e, LATENT_AVG),
            load_lpips_alex(models),
            channels_last(load_part(ArcFace, converted_file(models, "identity"))),
        )

    def on(self, device: torch.device) -> Frozen:
        """All of them on a device, in eval mode, without gradients of their own."""
        networks = (self.generator, self.encoder, self.lpips, self.identity)
        for network in networks:
            network.to(device).eval().requires_grad_(False)
        return Frozen(self.generator, self.encoder, self.latent_avg.to(device), self.lpips, self.identity)


class Trainer:
    """ADA and Ec with all that their training needs besides the photos."""

    def __init__(
        self,
        frozen: Frozen,
        recipe: Recipe,
        fabric: Fabric,
        width: int = WIDTH,
        *,
        turning: Turning | None = None,
        start: Consultation | None = None,
    ) -> None:
        """``turning``: for ``misalign = pose``. ``start``: ADA begins as this one's, and Ec stays as this one's is."""
        if (turning is None) != (recipe.misalign == "perspective"):
            raise ValueError(f"misalign = {recipe.misalign}: turning is for pose, and pose needs it")
        torch.manual_seed(recipe.seed)  # the same start in every process
        self.frozen, self.recipe, self.fabric = frozen.on(fabric.device), recipe, fabric
        self.turning = None if turning is None else turning.on(fabric.device)
        self.plain = Consultation(width)
        self.alone = start is not None
        if start is not None:
            self.plain.load_state_dict(start.state_dict())
            self.plain.residue.requires_grad_(False)
        if fabric.world_size > 1 and fabric.device.type == "cuda":  # batch norms of the whole batch; not for CPUs
            self.plain = nn.SyncBatchNorm.convert_sync_batchnorm(self.plain)
        optimizer = torch.optim.RAdam(self.plain.parameters(), recipe.lr, betas=(0.95, 0.999), eps=1e-5)
        self.module, self.optimizer = fabric.setup(self.plain, optimizer)

    def losses(self, photo: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of ``photo: rgb float32 (B, 3, 256, 256) in [-1, 1]``, unweighted, float32."""
        frozen = self.frozen
        with self.fabric.autocast(), torch.no_grad():
            w_plus = frozen.encoder(photo) + frozen.latent_avg
            state = frozen.generator.to_fusion(w_plus)
            low = to_256(frozen.generator.from_fusion(state, w_plus).float())
        distortion = photo - low
        # not in autocast: bfloat16 would round the places to whole pixels
        moved = warp(distortion, self.recipe.perspective, random, self.recipe.moved)
        return self._terms(Task(w_plus, state, moved, low, distortion, photo))

    def turned_losses(self, step: int, part: slice) -> dict[str, Tensor]:
        """The loss terms of this process's ``part`` of a step's batch of true turns."""
        assert self.turning is not None
        frozen, draw = self.frozen, drawn(self.recipe.seed, step, self.recipe.batch, part)
        with self.fabric.autocast():
            task = self.turning.task(draw, frozen.generator, frozen.encoder, frozen.latent_avg)
        return self._terms(task)

    def _terms(self, task: Task) -> dict[str, Tensor]:
        frozen = self.frozen
        with self.fabric.autocast():
            aligned, fused = self.module(task.target, task.misaligned, task.edited, joint=True)
            made = F.adaptive_avg_pool2d(frozen.generator.from_fusion(task.state, task.w_plus, fused), INPUT_SIZE)
            if task.matte is not None:  # nothing is asked where the person is not
                made = torch.lerp(task.wanted, made.float(), task.matte)
            lpips = frozen.lpips(made, task.wanted)
            likeness = (frozen.identity(crop_face(made)) * frozen.identity(crop_face(task.wanted))).sum(dim=1)
        given = (aligned.float(), task.target)
        return {
            "l2": F.mse_loss(made.float(), task.wanted),
            "lpips": lpips.float().mean(),
            "identity": 1 - likeness.float().mean(),
            "align": F.l1_loss(*given) if task.matte is None else miss(*given, task.matte),
        }

    def run(
        self,
        photos: Photos,
        checkpoint: Path | None = None,
        *,
        workers: int = 0,
        minutes: float | None = None,
        log: Path | None = None,
    ) -> int:
        """Train to the end of the budget, from the checkpoint where there is one; returns the steps taken in all.

        Raises ``ValueError`` where the checkpoint is another training's: all but the number of steps must be the same.
        """
        fabric, recipe = self.fabric, self.recipe
        settings = {**vars(recipe), "photos": len(photos), "start": self.alone}
        del settings["steps"]
        kept: dict[str, Any] = {
            "module": self.module,
            "optimizer": self.optimizer,
            "precision": fabric.strategy.precision,  # float16's loss scale
            "settings": settings,
        }
        try:
            run = Run(fabric, kept, steps=recipe.steps, minutes=minutes, checkpoint=checkpoint, log=log)
        except KeyError as error:
            raise ValueError(f"{checkpoint}: expected a checkpoint of this training, found another; {OTHER}") from error
        if kept["settings"] != settings:  # read from the checkpoint
            raise ValueError(f"{checkpoint}: {_differences(settings, kept['settings'])}; {OTHER}")
        share = recipe.batch // fabric.world_size
        draws = Draws(
            len(photos),
            recipe.batch,
            recipe.steps,
            seed=recipe.seed,
            first=run.step,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        batches = fabric.setup_dataloaders(loader(photos, draws, workers), use_distributed_sampler=False)
        self.module.train()
        if self.alone:
            self.plain.residue.eval()  # its batch norms, too
        first = fabric.global_rank * share
        for step, photo in zip(run, batches, strict=False):
            if self.turning is not None and step % 2:
                terms = self.turned_losses(step, slice(first, first + share))
            else:
                terms = self.losses(photo, perspectives(recipe.seed, step, first))
            self.optimizer.zero_grad()
            fabric.backward(weighted(terms, recipe))
            self.optimizer.step()
            run.report(**{name: float(term.detach()) for name, term in terms.items()})
        return run.step


def perspectives(seed: int, step: int, before: int) -> torch.Generator:
    """What a step's perspectives are drawn from, past those of ``before`` photos of the batch, which others have."""
    random = torch.Generator().manual_seed(seed * 1_000_003 + step)
    for _ in range(before):
        torch.randint(2**31, (), generator=random)  # as `warp` draws for each photo
    return random


def _differences(expected: dict[str, Any], found: dict[str, Any]) -> str:
    names = [name for name in expected if found.get(name) != expected[name]]
    now, then = (", ".join(f"{name} {values.get(name)}" for name in names) for values in (expected, found))
    return f"expected a training with {now}, found one with {then}"


def _last(error: Exception) -> str:
    """The message, without the traceback that a DataLoader puts before what one of its workers raised."""
    return re.split(rf"\n(?:\w+\.)*{type(error).__name__}: ", str(error))[-1].strip()


def begun(file: Path) -> Consultation:
    """ADA and Ec of a converted HFGI. Raises ``WeightsError`` that names the file if it is none."""
    found = Consultation(WIDTH)
    found.grid_align = load_part(Aligner, file, "grid_align.")
    found.residue = load_part(ConsultationEncoder, file, "residue.")
    return found


def write(module: Consultation, models: Path, out: Path, steps: int, recipe: Recipe, photos: int) -> Path:
    """Trained ADA and Ec with the encoder and generator they were trained with, as HFGI's file of a published set.

    After true turns also ADA alone, as the file of the row ``ada_pose``.
    """
    e4e, target = converted_file(models, "e4e"), converted_file(out, "hfgi")
    own = {key: value.cpu().contiguous() for key, value in module.state_dict().items()}
    write_tensors(target, {**load_file(e4e), **own}, {"role": "hfgi"})
    made = {"trained_by": "unripple.training.hfgi", "steps": steps, "photos": photos, "recipe": vars(recipe)}
    record = {**made, "e4e": checksum(e4e)}
    if recipe.misalign == "pose":
        alone = {key: value.cpu().contiguous() for key, value in module.grid_align.state_dict().items()}
        write_tensors(
            own_file(out, "ada_pose"), alone, {"role": "ada_pose", "steps": str(steps), "photos": str(photos)}
        )
    write_json(provenance_file(out, "hfgi"), {"file": target.name, "sha256": checksum(target), "trained": record})
    return target


def main(
    photos: Annotated[Path, typer.Option(help="Folder of aligned photos, such as FFHQ; folders below are searched.")],
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    out: Annotated[Path, typer.Option(help="Folder for hfgi.safetensors.")] = Path("models/own"),
    models: Annotated[Path, typer.Option(help="Folder of the converted e4e and ArcFace.")] = PUBLISHED,
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    misalign: Annotated[
        Literal["perspective", "pose"], typer.Option(help="What ADA learns from; pose: every second step true turns.")
    ] = Recipe.misalign,
    start: Annotated[
        Path | None, typer.Option(help="A converted HFGI: ADA begins as its own, its Ec is not trained.")
    ] = None,
    lite: Annotated[Path, typer.Option(help="Folder of the embedded parser, for true turns.")] = Path("models/lite"),
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=1, help="Of all devices together.")] = Recipe.batch,
    lr: Annotated[float, typer.Option()] = Recipe.lr,
    seed: Annotated[int, typer.Option()] = Recipe.seed,
    minutes: Annotated[float | None, typer.Option(help="End earlier, after this time.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read photos, for each device.")] = 4,
    accelerator: Annotated[str, typer.Option(help="As Lightning Fabric names it, like the next three.")] = "auto",
    devices: Annotated[int, typer.Option(min=1)] = 1,
    nodes: Annotated[int, typer.Option(min=1)] = 1,
    strategy: Annotated[str, typer.Option()] = "auto",
    precision: Annotated[str | None, typer.Option(help="As Fabric names it.", show_default="by the device")] = None,
) -> None:
    """Train, and write weights that a study takes as those of HFGI."""
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        precision=precision or training_precision(chosen_device()),  # type: ignore[arg-type]
    )
    recipe = Recipe(steps=steps, batch=batch, lr=lr, misalign=misalign, seed=seed)
    try:
        folder, frozen = Photos(photos), Frozen.published(models)
        turning = Turning.published(models, lite) if misalign == "pose" else None
        before = None if start is None else begun(start)
        fabric.launch()
        trainer = Trainer(frozen, recipe, fabric, turning=turning, start=before)
        taken = trainer.run(folder, checkpoint, workers=workers, minutes=minutes, log=log)
        if fabric.is_global_zero:
            print(f"{write(trainer.plain, models, out, taken, recipe, len(folder))}: {taken} steps")
    except (WeightsError, OSError, ValueError) as error:
        typer.echo(_last(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
