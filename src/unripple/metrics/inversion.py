"""How near the inversions of a photo come to it, and how well an edit is undone by inverting again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from unripple.detectors.dlib_faces import identity_distance
from unripple.files.pictures import Rgb
from unripple.files.tensors import to_tensor
from unripple.metrics.arrays import check_pair
from unripple.metrics.measure import FaceReader
from unripple.metrics.psnr import psnr, squared_errors
from unripple.metrics.resampling import bootstrap, decibel_bootstrap, plates_of
from unripple.metrics.ssim import ssim_map
from unripple.metrics.st_lpips import prepare, st_lpips_map
from unripple.metrics.table import aligned, metric_text
from unripple.networks.st_alexnet import StLpips
from unripple.settings.columns import ST_LPIPS, Column

LPIPS: Final = "lpips-alex"
CONSISTENCY: Final = "consistency"
#: Inversions that a study makes of each photo.
INVERSIONS: Final = ("e4e", "hfgi")
COLUMNS: Final = (
    Column("psnr", "PSNR to the photo", "PSNR", "dB", "higher", 2, decibels=True),
    Column("ssim", "SSIM to the photo", "SSIM", "", "higher", 3),
    Column(ST_LPIPS, "ST-LPIPS (Alex) to the photo", ST_LPIPS, "", "lower", 3),
    Column(LPIPS, "LPIPS (Alex) to the photo, at 256", LPIPS, "", "lower", 3),
    Column("identity", "Identity: dlib distance to the photo", "identity distance", "", "lower", 3),
    Column(CONSISTENCY, "Edited, inverted, edited back: distance in W+", "consistency (W+)", "", "lower", 2),
)
#: Columns of the summary. ``stratum``: ``inversion``, or the degree of the edit that was undone.
SUMMARY_COLUMNS: Final = ("set", "stratum", "method", "metric", "photos", "plates", "mean", "low", "high")
KNOWN, REAL = "known-plate portraits", "real photos"
#: LPIPS as its library has it: pictures ``(1, 3, H, W)`` in [-1, 1] -> ``(1, 1, 1, 1)``.
Lpips = Callable[[Tensor, Tensor], Tensor]


@torch.inference_mode()
def measure_inversion(
    photo: Rgb, inverted: Mapping[str, Rgb], st_lpips: StLpips, faces: FaceReader, lpips: Lpips | None = None
) -> dict[str, dict[str, float]]:
    """Method -> the columns of its inversion of one photo, all pictures ``uint8 (H, W, 3)``; NaN where no face is seen.

    ``lpips``: None where its trunk was not fetched; its column is then missing. It looks at 256, as ST-LPIPS does.
    """
    device, before = next(st_lpips.parameters()).device, faces.measure(photo)
    small = prepare(photo).to(device)
    wanted = st_lpips.features(small)
    rows = {}
    for method, rgb in inverted.items():
        check_pair(photo, rgb)
        reduced = prepare(rgb).to(device)
        now = faces.measure(rgb)
        found = {
            "psnr": psnr(photo, rgb, np.ones(photo.shape[:2], bool)),
            "ssim": float(ssim_map(photo, rgb).mean(dtype=np.float64)),
            ST_LPIPS: float(st_lpips_map(wanted, st_lpips.features(reduced), st_lpips).mean(dtype=np.float64)),
            "identity": np.nan,
        }
        if before is not None and now is not None:
            found["identity"] = identity_distance(before.descriptor, now.descriptor)
        if lpips is not None:
            found[LPIPS] = float(lpips(small, reduced))
        rows[method] = found
    return rows


def edited_back(
    rgb: Rgb, encode: Callable[[Tensor], Tensor], direction: Tensor, degree: float
) -> npt.NDArray[np.float32]:
    """The code of an edit's picture, ``uint8 (H, W, 3)``, moved back by its degree: ``float32 (18, 512)``.

    ``encode``: a picture ``(1, 3, H, W)`` in [-1, 1] -> ``w_plus (1, 18, 512)``; ``direction``: ``(512,)``
    or ``(18, 512)``.
    """
    code = encode(to_tensor([rgb])).cpu() - degree * direction.cpu()
    return np.asarray(code[0], dtype=np.float32)


def consistency(w_plus: npt.NDArray[np.float32], back: npt.NDArray[np.float32]) -> float:
    """Latent editing consistency (Tov et al., SIGGRAPH 2021, section 5): ``|w - w'|`` over all of W+, 18 x 512.

    ``w_plus``: the code of the photo; ``back``: of its edit, edited back. 0: the edit's picture has all of its code.
    """
    if w_plus.shape != back.shape:
        raise ValueError(f"codes: expected two of one shape, found {w_plus.shape} and {back.shape}")
    return float(np.linalg.norm(w_plus.astype(np.float64) - back))


def summarise_inversion(rows: Iterable[Mapping[Hashable, Any]], *, resamples: int, seed: int) -> pd.DataFrame:
    """Means over photos with their intervals, see ``SUMMARY_COLUMNS``; known-plate portraits and real photos apart.

    PSNRs are averaged as squared errors.

    ``rows``: ``photo, plate, known_plate, method``, the columns of what was measured, and for a consistency the
    ``degree``.
    """
    table = pd.DataFrame(list(rows))
    if table.empty:
        return pd.DataFrame(columns=list(SUMMARY_COLUMNS))
    degrees = table["degree"] if "degree" in table else pd.Series(np.nan, index=table.index)
    table = table.assign(
        stratum=["inversion" if np.isnan(one) else f"degree {one:+g}" for one in degrees.astype(float)]
    )
    plates, records = plates_of(table), []
    for known, name in ((True, KNOWN), (False, REAL)):
        own = table[table["known_plate"].eq(known)]
        for (stratum, method), part in own.groupby(["stratum", "method"], sort=False):
            for column in COLUMNS:
                values = part.set_index("photo")[column.key].dropna() if column.key in part else pd.Series(dtype=float)
                if len(values):
                    behind = plates[values.index].tolist()
                    numbers = values.to_numpy(dtype=np.float64)
                    if column.decibels:
                        interval = decibel_bootstrap(squared_errors(numbers), resamples, seed, behind)
                    else:
                        interval = bootstrap(numbers, resamples, seed, behind)
                    records.append((name, stratum, method, column.key, len(values), len(set(behind)), *interval))
    return pd.DataFrame(records, columns=list(SUMMARY_COLUMNS))


def inversion_text(summary: pd.DataFrame) -> str:
    """The means as plain text for a terminal, a block for each set of photos; a column for each inversion."""
    blocks = []
    for name, own in summary.groupby("set", sort=False):
        lines = [["Inversion against photo", *INVERSIONS]]
        for column in COLUMNS:
            for stratum, part in own[own["metric"] == column.key].groupby("stratum", sort=False):
                means = dict(zip(part["method"], part["mean"], strict=True))
                label = metric_text(column, False) + ("" if stratum == "inversion" else f", {stratum}")
                lines.append([label, *(_number(means.get(method), column) for method in INVERSIONS)])
        photos = int(own["photos"].max())
        whom = str(name) if photos > 1 else str(name).removesuffix("s")
        blocks.append(f"{aligned(lines)}\nMeans over {photos} {whom}.\n")
    return "\n".join(blocks)


def _number(mean: float | None, column: Column) -> str:
    return "–" if mean is None else f"{mean:.{column.digits}f}"
