"""The loop that trainings share: its clock, its checkpoints, its log."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from tqdm import tqdm

from unripple.files.atomic import atomic

#: Seconds between two checkpoints, and between two lines of the log.
SAVE_EVERY, LOG_EVERY = 60.0, 20.0


def weighted(terms: dict[str, Tensor], recipe: object) -> Tensor:
    """The sum of the loss terms by the recipe's lambdas."""
    return torch.stack([getattr(recipe, f"lambda_{name}") * term for name, term in terms.items()]).sum()


class Run:
    """Steps from where the last checkpoint ended to the end of the budget.

    A budget is a number of ``steps``, and may be cut short after some ``minutes`` of training time (all sessions
    together). ``progress`` runs from 0 to 1 over whichever is used up first, so that schedules end with the training.
    Without ``minutes`` a training that was killed and resumed ends with the weights of one that was not, as long as
    each step draws its randomness from ``seed`` and the step's number alone. Several processes go by the clock of the
    first, which alone writes.
    """

    def __init__(
        self,
        fabric: Fabric,
        state: dict[str, Any],
        *,
        steps: int,
        minutes: float | None = None,
        checkpoint: Path | None = None,
        log: Path | None = None,
    ) -> None:
        """``state``: what a checkpoint keeps (modules and optimizers, as ``Fabric.setup`` returned them)."""
        self.fabric, self.state = fabric, state
        torch.backends.cudnn.benchmark = True  # all steps look alike: a GPU may try what is quickest for them
        self.steps, self.minutes = steps, minutes
        self.checkpoint, self.log = checkpoint, log
        self.step, self.seconds = 0, 0.0
        self.values: dict[str, float] = {}
        if checkpoint is not None and checkpoint.exists():
            clock = fabric.load(checkpoint, state)
            self.step, self.seconds = int(clock["step"]), float(clock["seconds"])

    @property
    def progress(self) -> float:
        """How much of the budget is used, 0 to 1."""
        timed = self.seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(self.step / self.steps, timed))

    def rate(self, warm_up: int = 50) -> float:
        """Factor of the learning rate: linear warm-up over some steps, then half a cosine down to 0."""
        return min(1.0, (self.step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * self.progress))

    def report(self, **values: float) -> None:
        """Figures of the current step, for the bar and the log."""
        self.values = values

    def save(self) -> None:
        """Write the checkpoint; a kill at any moment leaves the old one or the new one, whole.

        Every process calls it.
        """
        if self.checkpoint is None:
            return
        with atomic(self.checkpoint) if self.fabric.is_global_zero else nullcontext(self.checkpoint) as part:
            self.fabric.save(part, {**self.state, "step": self.step, "seconds": self.seconds})

    def __iter__(self) -> Iterator[int]:
        saved = logged = last = time.monotonic()
        hidden = None if self.fabric.is_global_zero else True
        with tqdm(total=self.steps, initial=self.step, mininterval=2, disable=hidden) as bar:
            while self.progress < 1:
                yield self.step
                self.step += 1
                now = time.monotonic()
                due = (self.seconds + now - last, now - saved > SAVE_EVERY, now - logged > LOG_EVERY)
                self.seconds, save, log = self.fabric.broadcast(due)
                last = now
                bar.update()
                bar.set_postfix(self.values, refresh=False)
                if save:
                    self.save()
                    saved = now
                if log:
                    self.write_log()
                    logged = now
        self.write_log()
        self.save()

    def write_log(self) -> None:
        """One line of JSON."""
        if self.log is None or not self.fabric.is_global_zero:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        line = {"step": self.step, "seconds": round(self.seconds, 1)} | {k: round(v, 5) for k, v in self.values.items()}
        with self.log.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
