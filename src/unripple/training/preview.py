"""Distil the generator's last two blocks at 128 px (`networks.preview`), from the generator alone.

``python -m unripple.training.preview --checkpoint FILE``

It starts as those blocks, with kernels that are summed over the pixels of a cell. From there it takes some hundred
steps of squared error on faces of random codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from unripple.files.tensors import to_256
from unripple.jobs import allocator
from unripple.networks.mobile_stylegan import Mapping, MobileStyleGAN, StyledConv, rows
from unripple.networks.preview import FIRST, SIDE, Preview, ScaledConv, scales
from unripple.networks.w_space import CodeSampler
from unripple.training.augment import Dice
from unripple.training.export import export
from unripple.training.rendered_faces import FARTHEST, TRUNCATION, TURNED
from unripple.training.runner import Run
from unripple.weights.lite import load_direction, load_generator, load_mapping, load_preview

#: Seeds of one training's steps; those of the next training come after them.
SEEDS = 1_000_000
#: How much of a kernel's sum the details within a cell start with.
DETAIL = 0.3


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training."""

    steps: int = 420
    batch: int = 4
    lr: float = 3e-3
    seed: int = 0


@torch.no_grad()
def begun(generator: MobileStyleGAN) -> Preview:
    """The preview as its training starts."""
    preview = Preview()
    for i in range(FIRST, len(generator.blocks)):
        block, first, second = generator.block(i), *map(preview.layer, (2 * (i - FIRST), 2 * (i - FIRST) + 1))
        # Of a cell's four bands the first is its mean; the others are what its pixels differ by.
        summed, channels = _depthwise(block.conv1).sum(dim=(2, 3)), block.conv1.conv.in_channels
        for conv in (first.depthwise, first.conv):
            conv.weight.zero_()
        first.depthwise.weight[:, :, 1, 1] = torch.cat((summed, DETAIL * summed.repeat(3, 1)))
        first.conv.weight[:, :channels] = block.conv1.conv.weight
        second.depthwise.weight.copy_(_depthwise(block.conv2))
        second.conv.weight.copy_(block.conv2.conv.weight)
        for own, whole in ((first, block.conv1), (second, block.conv2)):
            own.noise.copy_(F.adaptive_avg_pool2d(whole.noise, SIDE))
            _bias(own.conv).copy_(_bias(whole.conv))
    preview.head.weight.zero_()
    preview.head.weight[:3] = generator.head.conv.weight[:3]
    _bias(preview.head).zero_()[:3] = _bias(generator.head.conv)[:3]
    return preview


def _depthwise(layer: StyledConv | ScaledConv) -> Tensor:
    assert layer.depthwise is not None
    return layer.depthwise.weight


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


class Pair(NamedTuple):
    """Features ``(B, 256, 128, 128)`` and scales of some codes, and their pictures ``(B, 3, 256, 256)``."""

    x: Tensor
    by: list[Tensor]
    picture: Tensor


class Pairs:
    """What the last blocks get and make of random codes, some of them turned."""

    def __init__(self, generator: MobileStyleGAN, mapping: Mapping, pose: Tensor, together: int = 1) -> None:
        """``together``: how many are made at once; a CPU is quickest with one."""
        self._generator, self._mapping, self._pose, self._together = generator, mapping, pose, together

    @torch.no_grad()
    def draw(self, seed: int, count: int) -> Iterator[Pair]:
        """``count`` of them, `together` at once; equal for equal seeds."""
        w = CodeSampler(self._mapping, seed=seed, truncation=TRUNCATION).draw(count)
        dice = Dice(seed, 0)
        degrees = dice.uniform(-FARTHEST, FARTHEST, count, 1) * dice.coin(TURNED, count).view(count, 1)
        return (self._pair(rows(some)) for some in (w + degrees * self._pose).split(self._together))

    def _pair(self, w_plus: Tensor) -> Pair:
        generator = self._generator
        w_plus = w_plus.to(generator.constant)
        x = made = generator.features(w_plus, FIRST)
        for i in range(FIRST, len(generator.blocks)):
            made = generator.block(i)(made, w_plus)
        return Pair(x, scales(generator, w_plus), to_256(generator.head(made, w_plus[:, -1])))


def train(
    pairs: Pairs,
    preview: Preview,
    fabric: Fabric,
    recipe: Recipe,
    *,
    minutes: float | None = None,
    checkpoint: Path | None = None,
    log: Path | None = None,
) -> int:
    """Train ``preview`` in place, from the checkpoint where there is one; returns the steps taken in all.

    Args:
        pairs: trained on.
        preview: as it starts.
        fabric: where and how precisely.
        recipe: of the optimisation.
        minutes: end earlier, after this time.
        checkpoint, log: resumed from, and written.
    """
    preview.requires_grad_(True)
    optimizer = torch.optim.Adam(preview.parameters(), recipe.lr, betas=(0.9, 0.99))
    module, optimizer = fabric.setup(preview, optimizer)
    run = Run(
        fabric,
        {"module": module, "optimizer": optimizer},
        steps=recipe.steps,
        minutes=minutes,
        checkpoint=checkpoint,
        log=log,
    )
    for step in run:
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * run.rate(warm_up=20)
        optimizer.zero_grad()
        total = 0.0
        for x, by, picture in pairs.draw(SEEDS * (recipe.seed + 1) + step, recipe.batch):
            loss = F.mse_loss(module(x, by), picture) * len(x) / recipe.batch
            fabric.backward(loss)
            total += float(loss.detach())
        optimizer.step()
        run.report(loss=total)
    return run.step


@torch.no_grad()
def quality(preview: Preview, pairs: Pairs, count: int) -> float:
    """PSNR in dB (peak 2) of the pictures of codes that no training draws."""
    errors = [F.mse_loss(preview(x, by).clamp(-1, 1), picture) for x, by, picture in pairs.draw(0, count)]
    return float(10 * torch.log10(4 / torch.stack(errors).mean()))


def main(
    checkpoint: Annotated[Path, typer.Option(help="Written every minute; a run goes on from it.")],
    log: Annotated[Path | None, typer.Option(help="One line of JSON now and then.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of generator, mapping and pose direction.")] = Path(
        "models/lite"
    ),
    out: Annotated[Path, typer.Option()] = Path("models/lite/preview.safetensors"),
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    batch: Annotated[int, typer.Option(min=1)] = Recipe.batch,
    lr: Annotated[float, typer.Option()] = Recipe.lr,
    seed: Annotated[int, typer.Option(min=0)] = Recipe.seed,
    start: Annotated[Path | None, typer.Option(help="Folder whose preview the training begins with.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End earlier, after this time.")] = None,
    test: Annotated[int, typer.Option(min=1, help="Faces to measure on.")] = 24,
) -> None:
    """Train in float32, measure on unseen codes, write float16 weights."""
    fabric = Fabric(accelerator="auto", devices=1, precision="32-true")
    generator = load_generator(models).to(memory_format=torch.channels_last).to(fabric.device)
    together = 1 if fabric.device.type == "cpu" else batch
    pairs = Pairs(generator, load_mapping(models), load_direction(models, "pose"), together)
    preview = begun(generator) if start is None else load_preview(start)
    preview.to(memory_format=torch.channels_last)
    before = quality(preview.to(fabric.device), pairs, test)
    recipe = Recipe(steps=steps, batch=batch, lr=lr, seed=seed)
    taken = train(pairs, preview, fabric, recipe, minutes=minutes, checkpoint=checkpoint, log=log)
    reached = {"steps": str(taken), "psnr": f"{quality(preview, pairs, test):.2f}", "psnr_begun": f"{before:.2f}"}
    export(preview, out, reached)
    print(f"{out}: {reached}")


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
