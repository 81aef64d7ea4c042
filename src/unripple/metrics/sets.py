"""Each method's pictures as a set, compared with the true edits or the photos: kernel distance, and Fréchet's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from unripple.metrics.frechet import LEAST_PICTURES, frechet_distance
from unripple.metrics.kernel_distance import kernel_distance
from unripple.settings.columns import INCEPTION, PHOTO, TRUTH

#: Fewest photos for a kernel distance, which is unbiased but has an interval of no use below.
LEAST_PHOTOS = 10
#: Columns of the table of distances.
DISTANCES = (
    *("extractor", "reference", "stratum", "method", "photos", "pictures"),
    *("kernel", "kernel_low", "kernel_high", "frechet"),
)


def set_distances(
    labels: pd.DataFrame,
    features: npt.NDArray[np.float32],
    extractor: str,
    least_photos: int = LEAST_PHOTOS,
    least_pictures: int = LEAST_PICTURES,
) -> pd.DataFrame:
    """Distances for each method and size of the edit, see ``DISTANCES``; rounded, so that the bytes are the same.

    ``labels``: a row for each row of ``features (N, D)``, with ``columns.KEYS``; ``extractor``: the network that made
    them. The reference are the true edits of the same photos and degrees (rows of the method ``columns.TRUTH``) and,
    apart from them, the photos that have no truth (rows of ``columns.PHOTO``). A set of fewer than ``least_photos`` is
    left out; one of fewer than ``least_pictures`` has no Fréchet distance, which is NaN.
    """
    edit = ["photo", "attribute", "degree"]
    places = labels.assign(place=range(len(labels)), size=labels["degree"].abs()).sort_values(edit)
    rows = []
    for reference in (TRUTH, PHOTO):
        known = places[places["method"] == reference].set_index(edit)
        for size in sorted(known["size"].unique()):
            for method in sorted(set(places["method"]) - {TRUTH, PHOTO}):
                own = places[(places["method"] == method) & (places["size"] == size)].set_index(edit)
                shared = own.index.intersection(known.index)
                photos = shared.get_level_values("photo")
                if photos.nunique() < least_photos:
                    continue
                true, made = (features[part.loc[shared, "place"]] for part in (known, own))
                kernel = kernel_distance(true, made, list(photos))
                frechet = frechet_distance(true, made) if len(shared) >= least_pictures else np.nan
                rows.append(
                    (
                        *(extractor, reference, f"|degree| {size:g}", method, photos.nunique(), len(shared)),
                        *(float(f"{value:.5g}") for value in (*kernel, frechet)),
                    )
                )
    return pd.DataFrame(rows, columns=list(DISTANCES))


def kernel_name(extractor: str) -> str:
    """What the kernel distance is called: KID with Inception's features only."""
    return "KID" if extractor == INCEPTION else "kernel distance"


def frechet_name(extractor: str) -> str:
    """What the Fréchet distance is called: FID with Inception's features only."""
    return "FID" if extractor == INCEPTION else "Fréchet distance"


def kernel_text(value: float, low: float, high: float) -> str:
    """A kernel distance in thousandths, with its interval."""
    text = f"{1000 * value:.2f}"
    return text if np.isnan(low) else f"{text} [{1000 * low:.2f}, {1000 * high:.2f}]"


def sets_text(table: pd.DataFrame) -> str:
    """The distances as plain text for a terminal; says so where there were too few pictures."""
    if table.empty:
        return f"Kernel distance: not printed, no set has {LEAST_PHOTOS} photos.\n"
    lines = []
    for names, rows in table.groupby(["extractor", "photos", "pictures", "stratum", "reference"], sort=False):
        extractor, photos, pictures, stratum, reference = map(str, names)
        whom = f"({extractor}, {pictures} pictures of {photos} photos, {stratum}) to the "
        whom += "true edits" if reference == TRUTH else "photos"
        found = rows.to_dict("records")
        kernels = [
            f"{row['method']} {kernel_text(row['kernel'], row['kernel_low'], row['kernel_high'])}" for row in found
        ]
        name = kernel_name(extractor)
        lines.append(f"{name[0].upper()}{name[1:]} x 1000 {whom}: {', '.join(kernels)}\n")
        if rows["frechet"].notna().all():
            distances = ", ".join(f"{row['method']} {row['frechet']:.4f}" for row in found)
            lines.append(f"{frechet_name(extractor)} {whom}: {distances}\n")
    if table["frechet"].isna().all():
        lines.append(f"Fréchet distance: not printed, no set has {LEAST_PICTURES} pictures.\n")
    return "".join(lines)
