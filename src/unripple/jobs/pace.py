"""How fast a machine is at a fixed piece of work, and the rates that were measured on one: ``rates.yaml``.

    python -m unripple.jobs.pace "two cores of an AMD EPYC (Zen 4)"

writes that file anew from the benchmarks of the study that ran in the current folder; the file says when to.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import torch
import yaml
from torch.nn import functional as F

from unripple.jobs.costs import SHIPPED, Rate, measured

#: The work: a convolution of this many channels on pictures of this many pixels a side, the best of so many.
CHANNELS, SIDE, TRIES = 64, 256, 10


@torch.no_grad()
def seconds() -> float:
    """Processor seconds of one thread for the work, in float32. Other processes make little difference to it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        picture = torch.full((1, CHANNELS, SIDE, SIDE), 0.5)
        weight = torch.full((CHANNELS, CHANNELS, 3, 3), 0.01)
        taken = []
        for _ in range(TRIES):
            began = time.thread_time()
            F.leaky_relu(F.conv2d(picture, weight, padding=1), 0.2).mul(0.5).add(picture).sum()
            taken.append(time.thread_time() - began)
        return min(taken)
    finally:
        torch.set_num_threads(threads)


def write(machine: str, rates: Mapping[str, Rate], calibration: float, file: Path = SHIPPED) -> None:
    """Write rates with the comment that the file has; ``calibration``: `seconds` on the machine that took them."""
    comment = "".join(line for line in file.read_text(encoding="utf-8").splitlines(True) if line.startswith("#"))
    content = {
        "machine": machine,
        "calibration": float(f"{calibration:.4g}"),
        "rates": {
            rule: {"start": round(rate.start, 3), "photo": round(rate.photo, 3), "megabytes": round(rate.megabytes, 2)}
            for rule, rate in sorted(rates.items())
        },
    }
    file.write_text(comment + yaml.safe_dump(content, sort_keys=False, width=120), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Write the rates of this machine."""
    if len(arguments) != 1:
        sys.exit('expected the machine in words: python -m unripple.jobs.pace "two cores of an AMD EPYC (Zen 4)"')
    if not (rates := measured(Path("logs"), Path("results"))):
        sys.exit("logs: no job was measured here; run `make study` first")
    if on_gpu := sorted(rule for rule, rate in rates.items() if rate.gpu):
        sys.exit(f"logs: expected jobs without a GPU, found some that held one: {', '.join(on_gpu)}")
    write(arguments[0], rates, seconds())


if __name__ == "__main__":
    main(sys.argv[1:])
