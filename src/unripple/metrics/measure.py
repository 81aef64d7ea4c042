"""All metrics of one picture: one row of the table.

Everything is measured at the size at which pictures are stored, but ST-LPIPS, which looks at 256 x 256.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from unripple.detectors.blazepose import PersonMeter
from unripple.detectors.dlib_faces import FaceMeasure, FaceMeter, identity_distance
from unripple.files.pictures import Mask, Matte, Rgb
from unripple.files.tensors import to_tensor
from unripple.metrics.arrays import Field, Vector, check_mask, check_pair, mean_over, scaled
from unripple.metrics.copied import copied
from unripple.metrics.difference import mean_difference
from unripple.metrics.inner_ripples import inner_ripples
from unripple.metrics.psnr import decibels, psnr, squared_error
from unripple.metrics.regions import THRESHOLD, Judge, Regions, agreed, dilate, regions, shrink
from unripple.metrics.residual_person import residual_person
from unripple.metrics.ripple_energy import ripple_energy, ripple_gradients
from unripple.metrics.seam import Edge, edge, seam
from unripple.metrics.ssim import ssim_map
from unripple.metrics.st_lpips import SIDE, pooled, prepare, st_lpips_map
from unripple.networks.st_alexnet import StLpips
from unripple.settings.columns import COLUMNS, INCEPTION, PHOTO, ST_ALEXNET, ST_LPIPS, TRUTH
from unripple.weights.st_lpips import load_st_lpips

if TYPE_CHECKING:
    from unripple.weights.inception import Inception

NAN = float("nan")
#: Distance that a seam keeps from the edited person's outline, and from the old person's soft edge; pixels at 512.
OUTLINE, SOFT = 8.0, 3.0
Row = dict[str, Any]
#: The five layers of one picture, each ``float32 (1, C, H, W)``.
Features = list[torch.Tensor]


class FaceReader(Protocol):
    """What measures a face: ``unripple.detectors.dlib_faces.FaceMeter``, or a stand-in."""

    def measure(self, rgb: Rgb) -> FaceMeasure | None:
        """The largest face of ``uint8 (H, W, 3)``; None where none is found."""


class PersonReader(Protocol):
    """What finds the person: ``unripple.detectors.blazepose.PersonMeter``, or a stand-in."""

    def measure(self, rgb: Rgb) -> Matte:
        """How surely each pixel of ``uint8 (H, W, 3)`` is a person: ``float32 (H, W) in [0, 1]``."""


@dataclass(frozen=True)
class MetricNetworks:
    """The networks that measure, loaded once for many pictures."""

    faces: FaceReader
    persons: PersonReader
    st_lpips: StLpips
    inception: Inception | None = None

    @classmethod
    def load(cls, device: torch.device, inception: Path | None = None) -> MetricNetworks:
        """dlib and BlazePose, which work on the CPU, ST-LPIPS on ``device``, and Inception where its file is given."""
        # Channels last: half the time on a CPU.
        network = load_st_lpips().to(device).to(memory_format=torch.channels_last)
        return cls(FaceMeter(), PersonMeter(), network, None if inception is None else _inception(inception, device))

    @property
    def extractor(self) -> str:
        """The name of the network whose features `feature` gives."""
        return ST_ALEXNET if self.inception is None else INCEPTION

    @torch.inference_mode()
    def feature(self, rgb: Rgb, layers: Features) -> Vector:
        """A picture, ``uint8 (H, W, 3)`` with its ``layers``, in few numbers, for distances of sets of pictures."""
        if self.inception is None:
            return pooled(layers)
        device = next(self.inception.parameters()).device
        return np.asarray(self.inception(to_tensor([rgb]).to(device))[0].cpu(), dtype=np.float32)

    @torch.inference_mode()
    def features(self, pictures: Sequence[Rgb]) -> list[Features]:
        """ST-LPIPS's layers of pictures ``uint8 (H, W, 3)``, reduced to 256 x 256."""
        device = next(self.st_lpips.parameters()).device
        # All at once on a GPU. On a CPU one by one, which is a third faster: the layers of six do not fit its caches.
        together = 1 if device.type == "cpu" else len(pictures)
        found: list[Features] = []
        for start in range(0, len(pictures), together):
            batch = torch.cat([prepare(rgb) for rgb in pictures[start : start + together]]).to(device)
            layers = self.st_lpips.features(batch)
            found += [[layer[n : n + 1] for layer in layers] for n in range(len(batch))]
        return found


def _inception(file: Path, device: torch.device) -> Inception:
    from unripple.weights.inception import load_inception  # with torchvision, which takes longer to load than torch

    return load_inception(file).to(device)


@dataclass(frozen=True)
class Measured:
    """What is known of one picture.

    ``row``: a value for every key of ``columns.COLUMNS``, or nothing; ``feature``: see `MetricNetworks.feature`.
    """

    row: Row
    feature: Vector


@dataclass
class Exam:
    """One photo edited to one degree: all that the methods share, computed once; then ``measure`` for the methods.

    Pictures are ``uint8 (H, W, 3)`` of one size, mattes ``float32 (H, W) in [0, 1]``.

    * ``photo``: the portrait before the edit; ``e4e``, ``hfgi``: the low-rate edit and the baseline;
    * ``original``, ``edited``: the person's matte before and after. On a known-plate photo those with which portrait
      and truth were composed, else the parser's;
    * ``truth``: the true edit, or None for a real photo: distances to it are then NaN;
    * ``made``: the person's matte in the baseline's own picture, whom no method may harm; ``edited`` by default;
    * ``judge``: whose mattes bound the regions. BlazePose looks at the photo and at the truth; where none is known, at
      the e4e edit, in which no ripple can pass for a person. What the band still shows of a person is BlazePose's to
      say and looked for in the study's band, and the seam is one of the study's masks, whoever judges;
    * ``degree``: of the edit. What is gained counts in its direction, or edits to both sides would add up to nothing.

    Raises ``ValueError`` where sizes or types differ.
    """

    photo: Rgb
    e4e: Rgb
    hfgi: Rgb
    original: Matte
    edited: Matte
    networks: MetricNetworks
    truth: Rgb | None = None
    made: Matte | None = None
    judge: Judge = "study"
    degree: float = 1.0
    _seen: dict[bytes, FaceMeasure | None] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for other in (self.e4e, self.hfgi, *(() if self.truth is None else (self.truth,))):
            check_pair(self.photo, other)
        check_mask(self.original >= 0, self.photo)
        check_mask(self.edited >= 0, self.photo)
        if self.made is not None:
            check_mask(self.made >= 0, self.photo)

    def measure(self, pictures: Mapping[str, Rgb], mask: Mask | None = None) -> dict[str, Measured]:
        """Measure the methods' edits, name -> ``uint8 (H, W, 3)``, and beside them what they are compared with.

        That is the truth where it is known, under the name ``columns.TRUTH``: its row says what a perfect edit would
        be given, which is not 0 everywhere. Else it is the photo, under ``columns.PHOTO``, with an empty row.
        ``mask``: ``bool (H, W)``, what the methods pasted or painted, for the seam. NaN is what cannot be measured (no
        truth, no band, no face). ``face_found`` and ``photo_face_found`` say whether the face detector saw the face.
        """
        for rgb in pictures.values():
            check_pair(self.photo, rgb)
        reference = {PHOTO: self.photo} if self.truth is None else {TRUTH: self.truth}
        everything = {**pictures, **reference}
        layers = dict(zip(everything, self.networks.features(list(everything.values())), strict=True))
        at = self._edge(mask)
        return {
            name: Measured(
                {} if name == PHOTO else self._row(rgb, layers[name], layers.get(TRUTH), at),
                self.networks.feature(rgb, layers[name]),
            )
            for name, rgb in everything.items()
        }

    def row(self, rgb: Rgb, mask: Mask | None = None) -> Row:
        """The row of one edit alone, see `measure`."""
        check_pair(self.photo, rgb)
        layers, *truths = self.networks.features([rgb, *([] if self.truth is None else [self.truth])])
        return self._row(rgb, layers, truths[0] if truths else None, self._edge(mask))

    def _row(self, rgb: Rgb, layers: Features, truth: Features | None, at: Edge | None) -> Row:
        values: Row = {column.key: NAN for column in COLUMNS}
        values |= self._ripples(rgb) | self._to_truth(rgb, layers, truth) | self._faces(rgb)
        if self._of_study.band_core.any():
            values["residual_person"] = residual_person(self.networks.persons.measure(rgb), self._of_study.band_core)
        values["fidelity_psnr"] = psnr(rgb, self.photo, self.regions.background)
        values["fidelity_difference"] = mean_difference(rgb, self.photo, self.regions.background)
        values["harm"] = mean_difference(rgb, self.hfgi, self._made_core)
        values["band_share"] = float(self.regions.band.mean())
        for name in ("band", "background", "person"):
            values[f"copied_{name}"] = copied(rgb, self.photo, getattr(self.regions, name))
        values["seam"] = seam(rgb, at)
        values["known_plate"] = self.truth is not None
        return values

    @cached_property
    def regions(self) -> Regions:
        """Where each metric looks."""
        return self._judged(self._of_study, self.e4e if self.truth is None else self.truth)

    @cached_property
    def _of_study(self) -> Regions:
        return regions(self.original, self.edited)

    def _edge(self, mask: Mask | None) -> Edge | None:
        reference = self.photo if self.truth is None else self.truth
        return None if mask is None else edge(reference, mask, self._seam_known)

    @cached_property
    def _seam_known(self) -> Mask:
        """Where it is known what belongs at a seam: off the edited person's outline, which is an edge of its own.

        Without a truth the photo says it, and only of its background.
        """
        away = dilate(self.edited >= THRESHOLD, scaled(OUTLINE, self.photo.shape))
        if self.truth is None:
            away |= dilate(self.original >= THRESHOLD, scaled(SOFT, self.photo.shape))
        return ~away

    @cached_property
    def _made_core(self) -> Mask:
        if self.made is None:
            return self.regions.person_core
        return self._judged(regions(self.original, self.made), self.e4e).person_core

    def _judged(self, own: Regions, edited: Rgb) -> Regions:
        """The study's own regions, BlazePose's from the photo and an edit, or those of which both say so."""
        if self.judge == "study":
            return own
        found = regions(self.networks.persons.measure(self.photo), self.networks.persons.measure(edited))
        return found if self.judge == "blazepose" else agreed(own, found)

    def _ripples(self, rgb: Rgb) -> Row:
        found = ripple_gradients(rgb)
        inside = inner_ripples(self._photo_gradients, found, self._e4e_gradients, self.regions.person_core)
        energy = ripple_energy(self._photo_gradients, found, self.regions.band_core, self._truth_gradients)
        return {"ripple_energy": energy, "inner_ripples": inside}

    @cached_property
    def _photo_gradients(self) -> Field:
        return ripple_gradients(self.photo)

    @cached_property
    def _truth_gradients(self) -> Field | None:
        return None if self.truth is None else ripple_gradients(self.truth)

    @cached_property
    def _e4e_gradients(self) -> Field:
        return ripple_gradients(self.e4e)

    def _to_truth(self, rgb: Rgb, layers: Features, truth: Features | None) -> Row:
        if self.truth is None or truth is None:
            return {}
        distance = st_lpips_map(truth, layers, self.networks.st_lpips)
        similarity = ssim_map(rgb, self.truth)
        error = squared_error(rgb, self.truth)
        values: Row = {}
        for name, mask in self.regions.judged().items():
            values[f"{ST_LPIPS}_{name}"] = mean_over(distance, self._small_masks[name])
            values[f"psnr_{name}"] = float(decibels(mean_over(error, mask)))
            values[f"ssim_{name}"] = mean_over(similarity, mask)
        return values

    @cached_property
    def _small_masks(self) -> dict[str, Mask]:
        return {name: shrink(mask, SIDE) for name, mask in self.regions.judged().items()}

    def _face(self, rgb: Rgb) -> FaceMeasure | None:
        """The largest face, measured once for each picture."""
        key = hashlib.sha256(rgb.tobytes()).digest()
        if key not in self._seen:
            self._seen[key] = self.networks.faces.measure(rgb)
        return self._seen[key]

    def _faces(self, rgb: Rgb) -> Row:
        before, baseline, now = (self._face(picture) for picture in (self.photo, self.hfgi, rgb))
        values: Row = {"face_found": now is not None, "photo_face_found": before is not None}
        if now is None:
            return values
        values["yaw"] = now.yaw
        if before is not None:
            values["identity"] = identity_distance(before.descriptor, now.descriptor)
            values["yaw_turned"] = math.copysign(1, self.degree) * (now.yaw - before.yaw)
            values["smile_gained"] = math.copysign(1, self.degree) * (now.smile - before.smile)
        if baseline is not None:
            values["yaw_shift"] = abs(now.yaw - baseline.yaw)
        return values
