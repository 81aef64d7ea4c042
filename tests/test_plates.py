"""Background plates: free photographs, disjoint lists, seeded views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unripple.detectors.dlib_faces import FaceMeter
from unripple.known_plate import plates
from unripple.settings.plates import MORE_PLATES, STUDY_PLATES, TRAINING_PLATES

NOTICE = Path(__file__).parents[1] / "NOTICE"


def test_no_photograph_of_the_study_is_used_in_training() -> None:
    assert not set(STUDY_PLATES + MORE_PLATES) & set(TRAINING_PLATES)
    assert "motorcycle_right" not in TRAINING_PLATES  # The scene of motorcycle_left.


@pytest.mark.parametrize("name", STUDY_PLATES + MORE_PLATES + TRAINING_PLATES)
def test_each_photograph_is_there_has_no_face_and_has_its_licence_in_notice(name: str) -> None:
    assert FaceMeter().detect(plates._photograph(name)) == []
    assert f"`{name}`" in NOTICE.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [64, 700])
@pytest.mark.parametrize("name", ["coffee", "brick"])
def test_a_view_has_its_size_and_depends_on_its_seed_alone(name: str, size: int) -> None:
    first, again, other = (plates.plate(name, np.random.default_rng(seed), size) for seed in (1, 1, 2))
    assert first.shape == (size, size, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_synthetic_plates_differ_and_are_neither_black_nor_white() -> None:
    rng = np.random.default_rng(0)
    views = np.stack([plates.synthetic_plate(rng, 64) for _ in range(60)]).astype(np.float64)
    means = views.mean(axis=(1, 2, 3))
    assert 60 < means.mean() < 190
    assert means.std() > 20
    assert ((views > 2) & (views < 253)).mean() > 0.8


def test_training_plates_never_show_a_photograph_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(plates, "plate", lambda name, rng, size: shown.append(name))
    monkeypatch.setattr(plates, "synthetic_plate", lambda rng, size: shown.append("synthetic"))
    rng = np.random.default_rng(0)
    for _ in range(400):
        plates.training_plate(rng, 8)
    assert set(shown) == {*TRAINING_PLATES, "synthetic"}
    assert shown.count("synthetic") == pytest.approx(200, abs=40)


def test_unknown_plates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'astronaut'.*coffee"):
        plates.plate("astronaut", np.random.default_rng(0), 64)


@pytest.mark.parametrize("radius", [0.3, 0.5, 2.5, 7.0])
def test_the_blur_keeps_the_mean_and_reaches_as_far_as_its_radius(radius: float) -> None:
    point = np.zeros((41, 41, 3), np.float32)
    point[20, 20] = 1
    blurred = plates._disc_blur(point, radius)
    assert blurred.sum() == pytest.approx(3, rel=1e-4)
    lit = np.argwhere(blurred[..., 0] > 1e-6) - 20
    assert np.hypot(lit[:, 0], lit[:, 1]).max() < radius + 0.5
