"""The training that networks around a `Segmenter` share: the parser's and the ripple finder's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from unripple.networks.parser import Parser
from unripple.networks.ripple_finder import RippleFinder
from unripple.training.augment import Dice
from unripple.training.runner import Run

N = TypeVar("N", Parser, RippleFinder)


@dataclass(frozen=True)
class Recipe:
    """How a segmenter is trained.

    ``steps``, ``minutes``: the budget, see `Run`. ``batch``: at half the size; at full size half as many. ``rate``:
    AdamW's highest step. ``half_size``: the share of the budget spent on pictures of half the size, where a step costs
    a quarter. ``checkpoint``, ``log``: resumed from, and written.
    """

    steps: int
    batch: int = 16
    rate: float = 2e-3
    seed: int = 0
    minutes: float | None = None
    half_size: float = 0.5
    checkpoint: Path | None = None
    log: Path | None = None


class Samples(Protocol):
    """What a segmenter learns from."""

    def augmented(self, dice: Dice, count: int, reduce: int = 1) -> tuple[Tensor, Tensor]:
        """A batch, ``(B, C, H, W)``, and what is to be marked in it, ``(B, 1, H, W)``; sides divided by ``reduce``."""


def mask_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy, and one minus the soft IoU (which keeps small and thin parts in the account)."""
    guess = torch.sigmoid(logits)
    shared = (guess * mask).flatten(1).sum(dim=1)
    union = (guess + mask - guess * mask).flatten(1).sum(dim=1)
    return F.binary_cross_entropy_with_logits(logits, mask) + (1 - (shared + 1) / (union + 1)).mean()


def train(build: Callable[[], N], samples: Samples, fabric: Fabric, recipe: Recipe) -> N:
    """AdamW with warm-up and half a cosine; returns the network, trained, on the CPU, in eval mode.

    Args:
        build: the network as it starts, from random weights of the recipe's seed or from a file.
        samples: learned from.
        fabric: where and how precisely.
        recipe: of the training.
    """
    torch.manual_seed(recipe.seed)
    network = build().requires_grad_(True).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=1e-3)
    segmenter, optimizer = fabric.setup(network.segmenter, optimizer)
    run = Run(
        fabric,
        {"segmenter": segmenter, "optimizer": optimizer},
        steps=recipe.steps,
        minutes=recipe.minutes,
        checkpoint=recipe.checkpoint,
        log=recipe.log,
    )
    segmenter.train()
    for step in run:
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * run.rate()
        reduce = 2 if run.progress < recipe.half_size else 1
        x, mask = fabric.to_device(samples.augmented(Dice(recipe.seed, step), recipe.batch * reduce // 2, reduce))
        loss = mask_loss(segmenter(x.contiguous(memory_format=torch.channels_last)).float(), mask)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        run.report(loss=float(loss.detach()))
    return network.cpu().float().eval()
