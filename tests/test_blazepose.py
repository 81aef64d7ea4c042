"""The person that an independent network finds: on the public-domain astronaut and on pictures without anybody."""

from __future__ import annotations

import importlib.machinery
from pathlib import Path

import cv2
import numpy as np
import pytest

from unripple.detectors import package_files
from unripple.detectors.blazepose import PersonMeter
from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import Rgb
from unripple.known_plate.portraits import example_photo
from unripple.metrics.residual_person import residual_person
from unripple.stages.align import align


@pytest.fixture(scope="module")
def meter() -> PersonMeter:
    return PersonMeter()


@pytest.fixture(scope="module")
def astronaut() -> Rgb:
    portrait = align(example_photo("astronaut"), FaceMeter()).rgb
    return np.asarray(cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def test_the_face_is_a_person_and_a_texture_is_not(meter: PersonMeter, astronaut: Rgb) -> None:
    found = meter.measure(astronaut)
    assert found.shape == (256, 256) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1
    assert (found[80:200, 90:170] > 0.9).mean() > 0.95
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    assert (meter.measure(noise) > 0.5).mean() < 0.3


def test_a_mirror_image_has_the_mirrored_person_and_the_same_picture_the_same(
    meter: PersonMeter, astronaut: Rgb
) -> None:
    found = meter.measure(astronaut)
    mirrored = meter.measure(np.ascontiguousarray(astronaut[:, ::-1]))
    assert np.abs(mirrored[:, ::-1] - found).max() < 1e-3
    assert np.array_equal(PersonMeter().measure(astronaut), found)


def test_the_residual_person_is_a_share_of_the_band() -> None:
    found = np.zeros((256, 256), np.float32)
    found[:, :64] = 0.5
    band = np.zeros((256, 256), bool)
    band[100:200, 32:160] = True
    assert residual_person(found, band) == 0.25
    assert residual_person(np.ones_like(found), band) == 1
    assert residual_person(np.full_like(found, 0.49), band) == 0
    assert np.isnan(residual_person(found, np.zeros_like(band)))
    with pytest.raises(ValueError, match="expected the band's size"):
        residual_person(found[:-1], band)


def test_a_missing_file_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = importlib.machinery.ModuleSpec("mediapipe", None, is_package=True)
    empty.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(package_files, "find_spec", lambda _: empty)
    with pytest.raises(FileNotFoundError, match=r"pose_landmark_full.tflite: .*no-deps.txt"):
        package_files.mediapipe_file("pose_landmark/pose_landmark_full.tflite")
