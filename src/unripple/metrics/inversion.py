"""How near the inversions of a photo come to it, and how well an edit is undone by inverting again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unripple.detectors.dlib_faces import identity_distance
from unripple.files.pictures import Rgb
from unripple.files.tensors import to_tensor
from unripple.metrics.arrays import check_pair
from unripple.metrics.inversion_table import LPIPS
from unripple.metrics.measure import FaceReader
from unripple.metrics.psnr import psnr
from unripple.metrics.ssim import ssim_map
from unripple.metrics.st_lpips import prepare, st_lpips_map
from unripple.networks.st_alexnet import StLpips
from unripple.settings.columns import ST_LPIPS

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
