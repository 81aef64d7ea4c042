"""Kernel distance of two sets of pictures (Bińkowski et al., ICLR 2018), by whichever features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from unripple.metrics.resampling import Values

#: Rows of the kernel's matrix that are in memory at a time.
_ROWS = 512


def kernel_distance(
    a: npt.NDArray[np.floating], b: npt.NDArray[np.floating], photos: Sequence[str]
) -> tuple[float, float, float]:
    """Squared maximum mean discrepancy of two sets of features ``(N, D)``, and its 95 % interval.

    Row i of both is of the same edit, of the photo ``photos[i]``. With the kernel ``k(x, y) = (x . y / D + 1)^3``, the
    mean over all pairs of edits i, j of different photos of::

        k(a_i, a_j) + k(b_i, b_j) - k(a_i, b_j) - k(b_i, a_j)

    (Gretton et al., JMLR 2012, equation 4.) Its expectation is the distance, however few the pictures: pictures of one
    photo depend on each other and make no pair. It may be below 0; equal sets give 0. The interval is that of the
    jackknife that leaves out one photo at a time, with Student's t; NaN with fewer than three photos.
    Raises ``ValueError`` where the sets differ in their shape or there are fewer than two photos.
    """
    _, members = np.unique(np.asarray(photos, dtype=str), return_inverse=True)
    count = int(members.max(initial=-1)) + 1
    if a.ndim != 2 or a.shape != b.shape or len(a) != len(members) or count < 2:
        raise ValueError(
            f"features: expected two sets (N, D) of the same edits of two photos or more, found {a.shape} and {b.shape}"
            f" of {count} photos"
        )
    sums = _sums(a.astype(np.float64), b.astype(np.float64), members, count)
    sizes = np.bincount(members)
    pairs = sizes * (len(a) - sizes)
    value = float(sums.sum() / pairs.sum())
    if count < 3:
        return value, np.nan, np.nan
    without = (sums.sum() - 2 * sums) / (pairs.sum() - 2 * pairs)
    error = np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum())
    reach = float(stats.t.ppf(0.975, count - 1) * error)
    return value, value - reach, value + reach


def _sums(a: Values, b: Values, members: npt.NDArray[np.intp], count: int) -> Values:
    """For each photo the sum over its pairs with the others, ``(count,)``."""
    found = np.zeros(count)
    for start in range(0, len(a), _ROWS):
        part = slice(start, start + _ROWS)
        terms = _kernel(a[part], a) + _kernel(b[part], b) - _kernel(a[part], b) - _kernel(b[part], a)
        other = members[part, None] != members[None, :]
        found += np.bincount(members[part], (terms * other).sum(axis=1), minlength=count)
    return found


def _kernel(x: Values, y: Values) -> Values:
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)
