"""Fréchet distance of two sets of pictures (Heusel et al., NeurIPS 2017, equation 6), by whichever features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Fewest pictures on each side. Below, the distance says more of the sample than of the method: it grows as sets
#: shrink, and by more than methods differ until there are several pictures for each of Inception's 2048 numbers.
LEAST_PICTURES = 5000


def frechet_distance(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> float:
    """``|mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))`` of two sets of features ``(N, D)`` and ``(M, D)``.

    Equal sets: 0; one moved by v: ``|v|^2``. Small sets give a larger distance: compare sets of one size only.
    Raises ``ValueError`` where the sizes of the features differ or a set has fewer than two.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features: expected (N, D) and (M, D) with at least two each, found {a.shape} and {b.shape}")
    # Seldom asked for, and loaded in seconds: whoever only joins tables does without.
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    # The features are there already: where an extractor is expected stands what passes them on.
    given = torch.nn.Identity()
    given.num_features = a.shape[1]
    metric = FrechetInceptionDistance(feature=given, normalize=True).set_dtype(torch.float64)
    metric.update(torch.from_numpy(a.astype(np.float64)), real=True)
    metric.update(torch.from_numpy(b.astype(np.float64)), real=False)
    return max(float(metric.compute()), 0.0)  # the rounding of equal sets
