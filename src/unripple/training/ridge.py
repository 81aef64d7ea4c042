"""Ridge regression of low rank in closed form, for more features than samples."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Fit(NamedTuple):
    """``prediction = up (down (x - mean)) + bias``."""

    mean: Tensor  # (features,)
    down: Tensor  # (rank, features)
    up: Tensor  # (targets, rank)
    bias: Tensor  # (targets,)
    penalty: float
    r2: float


def r_squared(target: Tensor, prediction: Tensor) -> float:
    """Share of the variance of ``target (N, T)`` that ``prediction`` explains, over all columns together."""
    residual = (target - prediction).square().sum()
    return float(1 - residual / (target - target.mean(dim=0)).square().sum())


def fit(x: Tensor, y: Tensor, rank: int, penalties: tuple[float, ...], held_out: int) -> Fit:
    """Ridge regression of ``y (N, T)`` on ``x (N, F)``; the last ``held_out`` rows choose the penalty.

    Solved in its dual form, which costs N^3 rather than F^3. A penalty is relative to the mean square norm of a
    centred row. The chosen solution is reduced to ``rank`` along the principal axes of its own fitted values, the best
    reduction for these rows (reduced-rank regression), then fitted to all rows.

    Raises ``ValueError`` if fewer rows are left than held out.
    """
    count = len(x) - held_out
    if count < held_out or held_out < 1:
        raise ValueError(f"ridge: expected more rows to fit than held out, found {count} and {held_out}")
    mean, inverse_spread = _standards(x)
    rows = (x.float() - mean) * inverse_spread
    gram = rows @ rows.T  # (N, N)
    scale = float(gram[:count, :count].diagonal().mean())
    bias = y[:count].mean(dim=0)
    scores = {}
    for penalty in penalties:
        dual = _dual(gram[:count, :count], y[:count] - bias, penalty * scale)
        scores[penalty] = r_squared(y[count:], gram[count:, :count] @ dual + bias)
    best = max(scores, key=lambda penalty: scores[penalty])

    bias = y.mean(dim=0)
    dual = _dual(gram, y - bias, best * scale)
    _, _, axes = torch.linalg.svd(gram @ dual, full_matrices=False)  # fitted values (N, T)
    axes = axes[:rank]  # (rank, T)
    down = (rows.T @ (dual @ axes.T)).T * inverse_spread  # (rank, F), on columns as they came
    return Fit(mean, down.contiguous(), axes.T.contiguous(), bias, best, scores[best])


def _standards(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of each column and one over its standard deviation; nearly constant columns are not blown up."""
    mean = x.float().mean(dim=0)
    spread = x.float().std(dim=0)
    return mean, 1 / (spread + 0.05 * spread.mean())


def _dual(gram: Tensor, y: Tensor, penalty: float) -> Tensor:
    regularised = gram.double() + penalty * torch.eye(len(gram), dtype=torch.float64)
    return torch.linalg.solve(regularised, y.double()).float()
