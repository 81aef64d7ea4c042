"""Time and memory of each published network on the device present, as a table in Markdown.

    python benchmarks/networks.py                                              # everything: long on a CPU
    python benchmarks/networks.py --only e4e --only generator --batch 1 --dtype float32

No weights are needed: they are pseudo-random, as in the parity fixtures. Each case is a fresh process, so that its peak
memory is its own: of the process on a CPU, of the allocations on a GPU. Where other programs run beside it, look at the
processor seconds of `--threads 1`: they are what one core to itself takes.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor, nn

from unripple.jobs import allocator
from unripple.jobs.batches import peak_memory
from unripple.models.devices import chosen_device
from unripple.networks.graphonomy_flow import parse
from unripple.networks.layout import channels_last
from unripple.parity.fill import make_image
from unripple.parity.proof import filled
from unripple.settings.parsing import SCALES

#: Runs after the one that warms up: this many, or fewer once they have taken so many seconds.
RUNS, ENOUGH = 5, 20.0
DEGREES = (-3.0, -1.5, 1.5, 3.0)
SIZE = 1024

HEAD = (
    "| Network | Batch | Type | Seconds a batch | Processor seconds | Images a second | Memory (MB) | Reference |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)

Inputs = Callable[..., Tensor]
Work = Callable[[Any, Inputs, int], Callable[[], object]]


@dataclass(frozen=True)
class Case:
    """What is timed.

    ``net``: its name in the fixtures; ``work``: network, a maker of random tensors and batch -> what to run;
    ``reference``: seconds that the reference implementation takes on two CPU cores (float32, batch 1), where known.
    """

    net: str
    work: Work
    reference: float | None = None
    batches: bool = True


def _pictures(side: int, *, channels: int = 3) -> Work:
    """A network that reads pictures."""

    def work(net: nn.Module, inputs: Inputs, batch: int) -> Callable[[], object]:
        rgb = inputs(batch, channels, side, side)
        return lambda: net(rgb)

    return work


def _generator(net: Any, inputs: Inputs, batch: int) -> Callable[[], object]:
    w_plus = inputs(batch, net.rows, 512)
    return lambda: net(w_plus)


def _consultation(net: Any, inputs: Inputs, batch: int) -> Callable[[], object]:
    distortion, edited = inputs(batch, 3, 256, 256), inputs(batch, 3, 256, 256)
    return lambda: net.residue(net.grid_align(distortion, edited))


def _edits(*degrees: float) -> Work:
    """HFGI from the photo to the edits: code, inversion and distortion map once, then each degree."""

    def work(net: Any, inputs: Inputs, batch: int) -> Callable[[], object]:
        photo, direction = inputs(batch, 3, 256, 256), inputs(512) / 512**0.5

        def run() -> None:
            found = net.invert(photo)
            for degree in degrees:
                net.edit(found.w_plus, found.distortion, direction, degree)

        return run

    return work


def _flow(net: Any, inputs: Inputs, batch: int) -> Callable[[], object]:
    picture = make_image("benchmark", SIZE, SIZE)
    return lambda: parse(net, picture, SCALES)


CASES = {
    "e4e": Case("hfgi_encoder", _pictures(256), 1.0),
    "psp": Case("psp_encoder", _pictures(256)),
    "arcface": Case("ir_se50", _pictures(112)),
    "generator": Case("hfgi_generator", _generator, 5.0),
    "ada-ec": Case("hfgi", _consultation, 0.43),
    "edit": Case("hfgi", _edits(3.0), 16.6),
    "four-degrees": Case("hfgi", _edits(*DEGREES), 4 * 16.6),
    "graphonomy-512": Case("graphonomy", _pictures(512), 1.8),
    "graphonomy-flow-1024": Case("graphonomy", _flow, 185.0, batches=False),
    "lama-512": Case("lama", _pictures(512, channels=4), 3.8),
    "lama-1024": Case("lama", _pictures(1024, channels=4), 15.9),
}


@dataclass(frozen=True)
class Cost:
    """Seconds of a batch and seconds of processors in it, the least of the runs; the most memory held, in MB."""

    seconds: float
    processor: float
    memory: float


@torch.inference_mode()
def measure(case: Case, batch: int, dtype: torch.dtype, device: torch.device) -> Cost:
    """Time one case in this process."""
    net = channels_last(filled(case.net, SIZE, str(device)).requires_grad_(False).to(dtype))
    random = torch.Generator().manual_seed(0)

    def inputs(*shape: int) -> Tensor:
        tensor = torch.rand(*shape, generator=random).to(device, dtype)
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor

    run = case.work(net, inputs, batch)
    took = [_timed(run, device)]
    if took[0][0] < ENOUGH:  # else the first one counts: it is no warm-up beside so much work
        took.clear()
        while len(took) < RUNS and sum(seconds for seconds, _ in took) < ENOUGH:
            took.append(_timed(run, device))
    memory = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else peak_memory()
    seconds, processor = (min(column) for column in zip(*took, strict=True))
    return Cost(seconds, processor, memory)


def _timed(run: Callable[[], object], device: torch.device) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.process_time()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began, time.process_time() - worked


def machine(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    cores = f"{torch.get_num_threads()} threads on {os.cpu_count()} cores"
    return f"{named[1] if named else platform.machine()}, {cores}, torch {torch.__version__}"


def fresh(name: str, batch: int, dtype: str, *options: str) -> Cost | str:
    """One case in a process of its own; a string says why there are no figures."""
    case = ("--only", name, "--batch", str(batch), "--dtype", dtype)
    command = [sys.executable, __file__, "--alone", *case, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return last[0][:80]
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def row(name: str, batch: int, dtype: str, cost: Cost | str) -> str:
    """A line of the table."""
    start = f"| {name} | {batch} | {dtype} |"
    if isinstance(cost, str):
        return f"{start} {cost} | | | | |"
    reference = CASES[name].reference if batch == 1 and dtype == "float32" else None
    beside = f"{reference:.3g} s" if reference else ""
    figures = (f"{value:.3g}" for value in (cost.seconds, cost.processor, batch / cost.seconds))
    return f"{start} {' | '.join(figures)} | {cost.memory:,.0f} | {beside} |"


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(CASES)}; may be repeated.")] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="May be repeated; 1 and 8 unless given.")] = None,
    dtype: Annotated[list[str] | None, typer.Option(help="May be repeated; float32 and bfloat16 unless given.")] = None,
    device: Annotated[str, typer.Option()] = "cuda" if torch.cuda.is_available() else "cpu",
    threads: Annotated[int, typer.Option(min=1, help="On a CPU.")] = torch.get_num_threads(),
    alone: Annotated[bool, typer.Option("--alone", hidden=True)] = False,
) -> None:
    """Print the table, line by line as the figures come."""
    chosen = only or list(CASES)
    if unknown := [name for name in chosen if name not in CASES]:
        raise typer.BadParameter(f"expected one of {', '.join(CASES)}, found {', '.join(unknown)}", param_hint="--only")
    torch.set_num_threads(threads)
    batches, dtypes = batch or [1, 8], dtype or ["float32", "bfloat16"]
    if alone:
        cost = measure(CASES[chosen[0]], batches[0], getattr(torch, dtypes[0]), chosen_device(device))
        print(json.dumps(asdict(cost)))
        return
    print(f"{machine(torch.device(device))}\n\n{HEAD}", flush=True)
    same = ("--device", device, "--threads", str(threads))
    for name in chosen:
        for size, kind in product(batches if CASES[name].batches else [1], dtypes):
            print(row(name, size, kind, fresh(name, size, kind, *same)), flush=True)


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
