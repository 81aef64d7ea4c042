"""Fréchet distance of two sets of pictures (Heusel et al., NeurIPS 2017, equation 6), by whichever features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from unripple.settings.columns import INCEPTION, PHOTO, TRUTH

#: Fewest pictures on each side. Below, the distance says more of the sample than of the method.
LEAST_PICTURES = 100
#: Columns of the table of distances.
DISTANCES = ("extractor", "reference", "stratum", "method", "pictures", "distance")


class _Given(nn.Module):
    """Stands where torchmetrics expects an extractor: the features are there already."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.num_features = size

    def forward(self, features: Tensor) -> Tensor:
        return features


def frechet_distance(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> float:
    """``|mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))`` of two sets of features ``(N, D)`` and ``(M, D)``.

    Equal sets: 0; one moved by v: ``|v|^2``. Small sets give a larger distance: compare sets of one size only.
    Raises ``ValueError`` where the sizes of the features differ or a set has fewer than two.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features: expected (N, D) and (M, D) with at least two each, found {a.shape} and {b.shape}")
    metric = FrechetInceptionDistance(feature=_Given(a.shape[1]), normalize=True).set_dtype(torch.float64)
    metric.update(torch.from_numpy(a.astype(np.float64)), real=True)
    metric.update(torch.from_numpy(b.astype(np.float64)), real=False)
    return max(float(metric.compute()), 0.0)  # the rounding of equal sets


def frechet_table(
    labels: pd.DataFrame, features: npt.NDArray[np.float32], extractor: str, least: int = LEAST_PICTURES
) -> pd.DataFrame:
    """A distance for each method and size of the edit, see ``DISTANCES``; rounded, so that the bytes are the same.

    ``labels``: a row for each row of ``features (N, D)``, with ``columns.KEYS``; ``extractor``: the network that made
    them. The reference are the true edits of the same photos and degrees (rows of the method ``columns.TRUTH``) and,
    apart from them, the photos that have no truth (rows of ``columns.PHOTO``). A set with fewer than ``least`` pictures
    is left out.
    """
    sizes, rows = labels["degree"].abs(), []
    edits = pd.MultiIndex.from_frame(labels[["photo", "attribute", "degree"]])
    methods = sorted(set(labels["method"]) - {TRUTH, PHOTO})
    for reference in (TRUTH, PHOTO):
        for size in sorted(sizes.unique()):
            here = (labels["method"] == reference) & (sizes == size)
            for method in methods:
                own = (labels["method"] == method) & edits.isin(edits[here])
                paired = here & edits.isin(edits[own])
                if own.sum() >= least:
                    distance = frechet_distance(features[paired], features[own])
                    rows.append(
                        (extractor, reference, f"|degree| {size:g}", method, int(own.sum()), round(distance, 6))
                    )
    return pd.DataFrame(rows, columns=list(DISTANCES))


def frechet_text(table: pd.DataFrame) -> str:
    """The distances as plain text for a terminal; says so where there were too few pictures."""
    if table.empty:
        return f"Fréchet distance: not printed, a set has fewer than {LEAST_PICTURES} pictures.\n"
    lines = []
    for names, rows in table.groupby(["extractor", "pictures", "stratum", "reference"], sort=False):
        extractor, pictures, stratum, reference = names
        distances = ", ".join(f"{row['method']} {row['distance']:.4f}" for _, row in rows.iterrows())
        whom = "true edits" if reference == TRUTH else "photos"
        name = "FID" if extractor == INCEPTION else "Fréchet distance"
        lines.append(f"{name} ({extractor}, {pictures} pictures, {stratum}) to the {whom}: {distances}\n")
    return "".join(lines)
