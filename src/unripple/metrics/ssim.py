"""Structural similarity as a map (Wang et al., IEEE Transactions on Image Processing, 2004)."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from unripple.files.pictures import Rgb
from unripple.metrics.arrays import Field, check_pair


def ssim_map(a: Rgb, b: Rgb) -> Field:
    """SSIM at every pixel: ``float32 (H, W)``, at most 1.

    On luma, as in the paper, with its Gaussian window of 1.5 pixels and its constants.
    ``a``, ``b``: ``uint8 (H, W, 3)``.
    """
    check_pair(a, b)
    luma_a, luma_b = cv2.cvtColor(a, cv2.COLOR_RGB2GRAY), cv2.cvtColor(b, cv2.COLOR_RGB2GRAY)
    _, full = structural_similarity(
        luma_a.astype(np.float32),
        luma_b.astype(np.float32),
        data_range=255.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return np.asarray(full, dtype=np.float32)
