"""Proof that our networks give the numbers of the reference implementations.

``python -m unripple.parity --fixtures DIR`` runs every ``*.npz`` of a folder, prints one line per case and
exits with 0 only if all pass. A fixture's ``meta`` names the network and its inputs; the weights come from
``unripple.parity.fill``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import nn

from unripple.models.devices import chosen_device
from unripple.parity.compare import (
    Array,
    Difference,
    compare_exactly,
    compare_floats,
    compare_labels,
    compare_uint8,
    mismatch,
)
from unripple.parity.fill import fill_net
from unripple.parity.fixtures import Case, Meta, cases, inputs
from unripple.parity.outputs import BUILDERS, RUNNERS, Outputs


@dataclass(frozen=True)
class Result:
    """All comparisons of one case."""

    case: str
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        return bool(self.differences) and all(d.passed for d in self.differences)

    def line(self) -> str:
        """Name, largest absolute and relative error, share of 8-bit values or labels that flipped, verdict."""
        absolute = max((d.absolute for d in self.differences), default=np.inf)
        relative = max((d.relative for d in self.differences), default=np.inf)
        flipped = max((d.flipped for d in self.differences), default=0.0)
        failed = ", ".join(d.name for d in self.differences if not d.passed)
        verdict = "pass" if self.passed else f"FAIL: {failed or 'nothing to compare'}"
        return f"{self.case:<24} max abs {absolute:.2e}  max rel {relative:.2e}  flipped {flipped:.1e}  {verdict}"


@lru_cache(maxsize=1)  # a filled network takes up to 1.3 GB and seconds to make
def filled(net: str, size: int, device: str) -> nn.Module:
    """Network ``net`` in eval mode with the fixtures' weights."""
    module = BUILDERS[net](size).eval()
    fill_net(net, module.state_dict())
    return module.to(device)


@torch.inference_mode()
def run(case: Case, device: str = "cpu") -> Result:
    """Run one fixture on our networks and compare everything that it recorded."""
    net = filled(case.net, case.size, device)
    with np.load(case.path, allow_pickle=False) as file:
        fixture = {key: file[key] for key in file.files}
    tensors = {key: torch.from_numpy(value).to(device) for key, value in inputs(case.meta).items()}
    outputs = RUNNERS[case.net](net, tensors, case.meta, fixture)
    return Result(case.name, tuple(_differences(fixture, case.meta, outputs)))


def _differences(fixture: Mapping[str, Array], meta: Meta, outputs: Outputs) -> Iterator[Difference]:
    for name in sorted(key.removesuffix("__shape") for key in fixture if key.endswith("__shape")):
        if name in outputs.floats:
            output = outputs.floats[name].float().cpu().numpy()
            yield compare_floats(fixture, name, output, rectified_later=name.startswith("block"))
        else:
            yield mismatch(f"{name} (not computed)")
    for name, picture in outputs.pictures.items():
        # Either the name says the stride, or meta does.
        for key, step in ((f"{name}_stride2", 2), (name, int(meta.get("result_stride", 1)))):
            if key in fixture:
                yield compare_uint8(name, picture, fixture[key], step, fixture.get(f"{name}_stats"))
    if outputs.logits is not None and "labels" in fixture:
        yield compare_labels(fixture, outputs.logits.float().cpu().numpy(), int(meta.get("labels_stride", 1)))
    for name, constant in outputs.constants.items():
        if name in fixture:
            yield compare_exactly(name, constant, fixture[name])


def main(
    fixtures: Annotated[Path, typer.Option(help="Folder of fixtures (*.npz).", file_okay=False, exists=True)],
    device: Annotated[str, typer.Option(help="Where to run: cpu, cuda, cuda:1, ...")] = "cpu",
) -> None:
    """Run every fixture of a folder against our networks, one line per case."""
    try:
        found = cases(fixtures)
    except (FileNotFoundError, ValueError) as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    chosen, passed = str(chosen_device(device)), True
    for case in found:
        result = run(case, chosen)
        passed &= result.passed
        typer.echo(result.line())
    sys.exit(0 if passed else 1)
