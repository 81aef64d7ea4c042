"""What the trainings of parser and ripple finder share, on the toys of both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from test_training_parser import WIDTHS, cpu, toy_portraits
from test_training_ripples import toy_pairs

from unripple.networks.parser import Parser
from unripple.networks.ripple_finder import RippleFinder
from unripple.training import runner
from unripple.training.runner import Run
from unripple.training.segmenter import Recipe, Samples, train


class Killed(Exception):
    pass


@pytest.mark.parametrize(
    ("build", "toy"), [(partial(Parser, WIDTHS), toy_portraits), (partial(RippleFinder, WIDTHS), toy_pairs)]
)
def test_a_killed_training_ends_as_an_unbroken_one(
    build: Callable[[], Any],
    toy: Callable[[], Samples],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = toy()
    unbroken = train(build, samples, cpu(), Recipe(8, batch=4))
    monkeypatch.setattr(runner, "SAVE_EVERY", 0.0)
    report = Run.report

    def killed_at_five(self: Run, **values: float) -> None:
        report(self, **values)
        if self.step == 5:
            raise Killed

    monkeypatch.setattr(Run, "report", killed_at_five)
    recipe = Recipe(8, batch=4, checkpoint=tmp_path / "run.ckpt")
    with pytest.raises(Killed):
        train(build, samples, cpu(), recipe)
    monkeypatch.setattr(Run, "report", report)
    resumed = train(build, samples, cpu(), recipe)
    for key, value in unbroken.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key
