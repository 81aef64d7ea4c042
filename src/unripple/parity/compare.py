"""Comparing an output with what a fixture recorded of the reference's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Tolerances for floats: about ten times what the number of threads changes.
RTOL, ATOL = 1e-4, 2e-4
#: An output of more elements than this was recorded on a grid, with a dense corner beside it.
MAX_ELEMENTS = 16384
CORNER = 24
#: Share of 8-bit values that may differ, by one level (rounding at the step between two levels).
UINT8_SHARE = 1e-3
#: A pixel whose two best logits are nearer than this may get either label.
UNDECIDED = 0.01


@dataclass(frozen=True)
class Difference:
    """How far one output is from the recorded one.

    ``absolute`` and ``relative`` (in standard deviations of the recorded output) are of floats; ``flipped`` is the
    share of 8-bit values or labels that differ.
    """

    name: str
    passed: bool
    absolute: float = 0.0
    relative: float = 0.0
    flipped: float = 0.0


def mismatch(name: str) -> Difference:
    """What stands for an output that cannot be compared: its shape is wrong, or there is none."""
    return Difference(name, passed=False, absolute=np.inf, relative=np.inf)


def subsample(a: Array) -> Array:
    """What a fixture keeps of ``a``: all, or every s-th row and column of a large 4-D array."""
    if a.size <= MAX_ELEMENTS or a.ndim != 4:
        return a
    step = 2
    while a[..., ::step, ::step].size > MAX_ELEMENTS and step < 64:
        step *= 2
    return np.ascontiguousarray(a[..., ::step, ::step])


def corner(a: Array) -> Array:
    """The dense bottom right corner of the first three channels."""
    return np.ascontiguousarray(a[..., :3, -CORNER:, -CORNER:])


def compare_floats(
    fixture: Mapping[str, Array], name: str, output: Array, *, rectified_later: bool = False
) -> Difference:
    """Compare with ``NAME``, its dense corner, its shape, mean and standard deviation.

    ``rectified_later``: the recorded corner may have passed the next layer's in-place ReLU.
    """
    if tuple(fixture[f"{name}__shape"]) != output.shape:
        return mismatch(name)
    pairs = [(subsample(output), fixture[name])]
    if f"{name}__corner" in fixture:
        dense, expected = corner(output), fixture[f"{name}__corner"]
        pairs.append((np.maximum(dense, 0) if rectified_later and expected.min() >= 0 else dense, expected))
    absolute = max(float(np.abs(found - expected).max()) for found, expected in pairs)
    close = all(np.allclose(found, expected, RTOL, ATOL) for found, expected in pairs)
    return Difference(
        name,
        passed=close and _same_moments(output, fixture[f"{name}__stats"], ATOL),
        absolute=absolute,
        relative=absolute / max(float(fixture[f"{name}__stats"][1]), 1e-12),
    )


def _same_moments(output: Array, stats: Array, atol: float) -> bool:
    moments = output.mean(dtype=np.float64), output.std(dtype=np.float64)
    return bool(np.allclose(moments, stats[:2], RTOL, atol))


def compare_exactly(name: str, found: Array, expected: Array) -> Difference:
    """Compare two small arrays of floats that were recorded whole, without statistics."""
    if found.shape != expected.shape:
        return mismatch(name)
    absolute = float(np.abs(found - expected).max())
    return Difference(
        name,
        passed=bool(np.allclose(found, expected, RTOL, ATOL)),
        absolute=absolute,
        relative=absolute / max(float(expected.std()), 1e-12),
    )


def compare_uint8(name: str, found: Array, expected: Array, step: int, stats: Array | None) -> Difference:
    """Compare 8-bit pictures ``(H, W, 3)``: one level of difference on at most a thousandth of the values.

    ``expected`` was recorded at every ``step``-th pixel; ``stats`` are those of the whole picture.
    """
    if found[::step, ::step].shape != expected.shape:
        return mismatch(name)
    difference = np.abs(found[::step, ::step].astype(int) - expected.astype(int))
    flipped = float((difference > 0).mean())
    same = stats is None or _same_moments(found, stats, UINT8_SHARE)
    return Difference(name, passed=int(difference.max()) <= 1 and flipped <= UINT8_SHARE and same, flipped=flipped)


def compare_labels(fixture: Mapping[str, Array], logits: Array, step: int) -> Difference:
    """Compare the labels of ``logits (1, C, H, W)``, recorded at every ``step``-th pixel, and how often each wins.

    They are equal wherever ``gap``, the best logit minus the next, is clear.
    """
    labels = logits.argmax(axis=1)[0]
    expected = fixture["labels"]
    if labels[::step, ::step].shape != expected.shape:
        return mismatch("labels")
    differ = labels[::step, ::step] != expected
    top = np.sort(logits[0], axis=0)
    undecided = int((top[-1] - top[-2] <= UNDECIDED).sum())
    counts = np.bincount(labels.ravel(), minlength=logits.shape[1])
    # A pixel that changes its label changes two counts.
    counted = "label_counts" not in fixture or int(np.abs(counts - fixture["label_counts"]).sum()) <= 2 * undecided
    clear = bool((differ & (fixture["gap"] > UNDECIDED)).any())
    return Difference("labels", passed=not clear and counted, flipped=float(differ.mean()))
