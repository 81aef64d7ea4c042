"""The training that networks around a `Segmenter` share: the parser's and the ripple finder's."""

from __future__ import annotations

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


def train(
    network: N,
    samples: Samples,
    fabric: Fabric,
    *,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    minutes: float | None,
    half_size: float,
    checkpoint: Path | None,
    log: Path | None,
) -> N:
    """AdamW with warm-up and half a cosine; returns the network, trained, on the CPU, in eval mode.

    Args:
        network: changed in place.
        samples: learned from.
        fabric: where and how precisely.
        steps, minutes: the budget, see `Run`.
        batch, rate, seed: of the optimisation; a batch at full size has half as many.
        half_size: the share of the budget spent on pictures of half the size, where a step costs a quarter.
        checkpoint, log: resumed from, and written.
    """
    network = network.requires_grad_(True).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    segmenter, optimizer = fabric.setup(network.segmenter, optimizer)
    run = Run(
        fabric,
        {"segmenter": segmenter, "optimizer": optimizer},
        steps=steps,
        minutes=minutes,
        checkpoint=checkpoint,
        log=log,
    )
    segmenter.train()
    for step in run:
        for group in optimizer.param_groups:
            group["lr"] = rate * run.rate()
        reduce = 2 if run.progress < half_size else 1
        x, mask = fabric.to_device(samples.augmented(Dice(seed, step), batch * reduce // 2, reduce))
        loss = mask_loss(segmenter(x.contiguous(memory_format=torch.channels_last)).float(), mask)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        run.report(loss=float(loss.detach()))
    return network.cpu().float().eval()
