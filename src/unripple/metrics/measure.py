"""All metrics of one picture: one row of the table.

Everything is measured at the size at which pictures are stored, but ST-LPIPS, which looks at 256 x 256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch

from unripple.faces import FaceMeasure, identity_distance
from unripple.images import Mask, Matte, Rgb
from unripple.metrics.arrays import Field, check_mask, check_pair, mean_over
from unripple.metrics.columns import COLUMNS, ST_LPIPS
from unripple.metrics.difference import mean_difference
from unripple.metrics.psnr import decibels, psnr, squared_error
from unripple.metrics.regions import Regions, regions, shrink
from unripple.metrics.ripple_energy import gradient_correlation, positive_part, ripple_gradients
from unripple.metrics.seam import seam
from unripple.metrics.ssim import ssim_map
from unripple.metrics.st_lpips import SIDE, prepare
from unripple.networks.st_alexnet import StLpips

NAN = float("nan")
Row = dict[str, Any]


class FaceReader(Protocol):
    """What measures a face: ``unripple.faces.FaceMeter``, or a stand-in."""

    def measure(self, rgb: Rgb) -> FaceMeasure | None:
        """The largest face of ``uint8 (H, W, 3)``; None where none is found."""


@dataclass
class Yardsticks:
    """The networks that measure, loaded once for many pictures. A face already measured is not measured again."""

    faces: FaceReader
    st_lpips: StLpips
    _seen: dict[bytes, FaceMeasure | None] = field(default_factory=dict, repr=False)

    def face(self, rgb: Rgb) -> FaceMeasure | None:
        """The largest face of ``uint8 (H, W, 3)``, or None."""
        key = hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).digest()
        if key not in self._seen:
            self._seen[key] = self.faces.measure(rgb)
        return self._seen[key]


@dataclass
class Exam:
    """One photo edited to one degree: all that the methods share, computed once; then ``row`` for each method.

    Pictures are ``uint8 (H, W, 3)`` of one size, mattes ``float32 (H, W) in [0, 1]``.

    * ``photo``: the portrait before the edit; ``e4e``, ``hfgi``: the low-rate edit and the baseline;
    * ``original``, ``edited``: the person's matte before and after. On a known-plate photo both are the true ones,
      so that no parser that made a mask also judges it;
    * ``truth``: the true edit, or None for a real photo: distances to it are then NaN;
    * ``made``: the person's matte in the baseline's own picture, whom no method may harm; ``edited`` by default.

    Raises ``ValueError`` where sizes or types differ.
    """

    photo: Rgb
    e4e: Rgb
    hfgi: Rgb
    original: Matte
    edited: Matte
    yardsticks: Yardsticks
    truth: Rgb | None = None
    made: Matte | None = None

    def __post_init__(self) -> None:
        for other in (self.e4e, self.hfgi, *(() if self.truth is None else (self.truth,))):
            check_pair(self.photo, other)
        check_mask(self.original >= 0, self.photo)
        check_mask(self.edited >= 0, self.photo)
        if self.made is not None:
            check_mask(self.made >= 0, self.photo)

    def row(self, rgb: Rgb, mask: Mask | None = None) -> Row:
        """Measure one method's edit, ``uint8 (H, W, 3)``.

        ``mask``: ``bool (H, W)``, what the method pasted or painted, for the seam. Returns a value for every key of
        ``columns.COLUMNS``; NaN is what cannot be measured (no truth, no band, no face). ``face_found`` and
        ``photo_face_found`` say whether the face detector saw the face.
        """
        check_pair(self.photo, rgb)
        values: Row = {column.key: NAN for column in COLUMNS}
        values |= self._ripples(rgb) | self._to_truth(rgb) | self._faces(rgb)
        values["fidelity_psnr"] = psnr(rgb, self.photo, self.regions.background)
        values["fidelity_difference"] = mean_difference(rgb, self.photo, self.regions.background)
        values["harm"] = mean_difference(rgb, self.hfgi, self._made_core)
        values["band_share"] = float(self.regions.band.mean())
        if mask is not None:
            values["seam"] = seam(rgb, mask, away_from=self.regions.person)
        values["known_plate"] = self.truth is not None
        return values

    @cached_property
    def regions(self) -> Regions:
        """Where each metric looks."""
        return regions(self.original, self.edited)

    @cached_property
    def _made_core(self) -> Mask:
        return self.regions.person_core if self.made is None else regions(self.original, self.made).person_core

    def _ripples(self, rgb: Rgb) -> Row:
        found = ripple_gradients(rgb)
        inside = gradient_correlation(self._photo_gradients, found, self.regions.person_core)
        energy = gradient_correlation(self._photo_gradients, found, self.regions.band_core)
        return {"ripple_energy": positive_part(energy), "inner_ripples": inside - self._e4e_inside}

    @cached_property
    def _photo_gradients(self) -> Field:
        return ripple_gradients(self.photo)

    @cached_property
    def _e4e_inside(self) -> float:
        return gradient_correlation(self._photo_gradients, ripple_gradients(self.e4e), self.regions.person_core)

    def _to_truth(self, rgb: Rgb) -> Row:
        if self.truth is None:
            return {}
        distance, similarity, error = self._st_lpips(rgb), ssim_map(rgb, self.truth), squared_error(rgb, self.truth)
        values: Row = {}
        for name, mask in self.regions.judged().items():
            values[f"{ST_LPIPS}_{name}"] = mean_over(distance, self._small_masks[name])
            values[f"psnr_{name}"] = decibels(mean_over(error, mask))
            values[f"ssim_{name}"] = mean_over(similarity, mask)
        return values

    @cached_property
    def _small_masks(self) -> dict[str, Mask]:
        return {name: shrink(mask, SIDE) for name, mask in self.regions.judged().items()}

    @torch.inference_mode()
    def _st_lpips(self, rgb: Rgb) -> Field:
        network = self.yardsticks.st_lpips
        features = network.features(prepare(rgb))
        return np.asarray(network.distance_map(self._truth_features, features, (SIDE, SIDE))[0, 0], dtype=np.float32)

    @cached_property
    def _truth_features(self) -> list[torch.Tensor]:
        if self.truth is None:
            raise ValueError("truth: expected the true edit, found None; distances to it exist on known plates only")
        with torch.inference_mode():
            return self.yardsticks.st_lpips.features(prepare(self.truth))

    def _faces(self, rgb: Rgb) -> Row:
        before, baseline, now = (self.yardsticks.face(picture) for picture in (self.photo, self.hfgi, rgb))
        values: Row = {"face_found": now is not None, "photo_face_found": before is not None}
        if now is None:
            return values
        values["yaw"] = now.yaw
        if before is not None:
            values["identity"] = identity_distance(before.descriptor, now.descriptor)
            values["yaw_turned"] = now.yaw - before.yaw
        if baseline is not None:
            values["yaw_shift"] = abs(now.yaw - baseline.yaw)
        return values
