"""dlib's identity network, run by torch: beside dlib itself, and on files that are not its weights."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest

from unripple.detectors import dlib_descriptor
from unripple.detectors.dlib_descriptor import DlibResNet
from unripple.detectors.dlib_faces import FaceMeter
from unripple.detectors.package_files import dlib_file
from unripple.files.pictures import Rgb

WEIGHTS = dlib_file("dlib_face_recognition_resnet_model_v1.dat")


@pytest.fixture(scope="module")
def reference() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(WEIGHTS))


@pytest.fixture(scope="module")
def network() -> DlibResNet:
    return dlib_descriptor.load(WEIGHTS)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_dlibs_own_network(network: DlibResNet, reference: dlib.face_recognition_model_v1, seed: int) -> None:
    chip = np.random.default_rng(seed).integers(0, 256, (150, 150, 3), np.uint8)
    expected = np.array(reference.compute_face_descriptor(chip))
    assert np.linalg.norm(expected) > 0.5
    assert network.describe(chip) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_face_is_described_as_by_dlib(
    meter: FaceMeter, reference: dlib.face_recognition_model_v1, astronaut: Rgb, mirrored: bool
) -> None:
    rgb = np.ascontiguousarray(astronaut[:, ::-1]) if mirrored else astronaut
    found = meter.measure(rgb)
    assert found is not None
    points = dlib.points([dlib.point(round(x), round(y)) for x, y in found.landmarks.tolist()])
    face = dlib.full_object_detection(dlib.rectangle(*found.box), points)
    expected = np.array(reference.compute_face_descriptor(rgb, face))
    assert found.descriptor == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kept", [0, 300, 19_000, 400_000, -4096])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "cut.dat"
    file.write_bytes(WEIGHTS.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"cut\.dat: expected .*found .*install"):
        dlib_descriptor.load(file)


def test_another_network_of_dlib_is_refused(tmp_path: Path) -> None:
    stored = WEIGHTS.read_bytes()
    twice = tmp_path / "twice.dat"
    twice.write_bytes(stored + stored)
    with pytest.raises(ValueError, match="more layers"):
        dlib_descriptor.load(twice)
