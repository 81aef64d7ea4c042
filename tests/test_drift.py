"""The numbers of a small study on this machine, against those of another one that are committed.

    python tests/test_drift.py results/metrics.json

writes them anew, from the study of `unstarted` in conftest.py: after a change that is meant to change numbers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from test_workflow import Project

COMMITTED = Path(__file__).parent / "fixtures/small-study.json"
#: How far a mean may lie from the committed one: by this share of it, or by this much. Between AVX2, whose numbers are
#: committed, and AVX-512 of one processor were 1.44 degrees of yaw, .030 of smile and .025 of seam; of another one,
#: with the refinement and the portraits of today, .065 of the residual person, .010 of SSIM and .009 of ST-LPIPS in the
#: band. These are means over two portraits, and what judges them jumps: BlazePose calls half of a band a person or not,
#: dlib's landmarks turned one portrait by 2.4 degrees, where PSNR of its person changed by .01 dB. A background that is
#: 35 dB from the photo is it but for the fill beside the head, and changes by 1.1 dB with a few of its pixels. The bits
#: that `bitwise_or` joins flip with a grey level: its harm to one portrait was 3.1 and 2.6 grey levels, HFGI's edits
#: being .4 grey levels apart on average.
SHARE = 0.02
LEAST = {
    "psnr_background": 1.5,
    "psnr_band": 0.4,
    "psnr": 0.1,
    "fidelity_psnr": 1.5,
    "fidelity": 0.1,
    "harm": 0.4,
    "yaw": 2.0,
    "smile": 0.04,
    "seam": 0.05,
    "residual_person": 0.08,
}
OTHERS = 0.02


def means(metrics: dict[str, Any]) -> dict[str, float]:
    """``method.metric`` -> mean, of ``results/metrics.json``."""
    return {
        f"{method}.{metric}": value
        for method, values in metrics.items()
        for metric, value in values.items()
        if isinstance(value, int | float)
    }


def least(metric: str) -> float:
    """The absolute part of a metric's tolerance."""
    name = metric.partition(".")[2]
    return next((value for start, value in LEAST.items() if name.startswith(start)), OTHERS)


def test_numbers_are_those_of_other_machines(unbroken: Project) -> None:
    found = means(json.loads((unbroken.folder / "results/metrics.json").read_text()))
    committed = json.loads(COMMITTED.read_text())
    assert found.keys() == committed.keys()
    apart = {
        metric: (found[metric], expected)
        for metric, expected in committed.items()
        if found[metric] != pytest.approx(expected, rel=SHARE, abs=least(metric))
    }
    assert not apart


if __name__ == "__main__":
    COMMITTED.write_text(json.dumps(means(json.loads(Path(sys.argv[1]).read_text())), indent=1, sort_keys=True) + "\n")
