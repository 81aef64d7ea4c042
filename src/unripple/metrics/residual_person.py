"""What of the uncovered band is still called a person."""

from __future__ import annotations

from unripple.files.pictures import Mask, Matte
from unripple.metrics.arrays import scaled
from unripple.metrics.regions import THRESHOLD
from unripple.metrics.ripple_energy import LEAST_AREA


def residual_person(found: Matte, band: Mask) -> float:
    """Share of ``band``, ``bool (H, W)``, that a parser calls person, in [0, 1]; NaN where the band is too small.

    ``found``: ``float32 (H, W) in [0, 1]``, the answer for the picture that is judged, of a parser that had no part in
    making it. ``band``: ``Regions.band_core``. Raises ``ValueError`` where the two sizes differ.
    """
    if found.shape != band.shape:
        raise ValueError(f"matte: expected the band's size {band.shape}, found {found.shape}")
    area = int(band.sum())
    if area == 0 or area < LEAST_AREA * scaled(1, band.shape) ** 2:
        return float("nan")
    return float((found[band] >= THRESHOLD).mean())
