"""The known-plate set, with a generator and a parser that are arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.tensors import to_arrays, to_tensor
from unripple.known_plate import plates, portraits
from unripple.known_plate.portraits import YAW_LIMIT, compose, sample_codes, study_plate
from unripple.settings.plates import STUDY_PLATES

SIZE = 32


class Doubling(nn.Module):
    """A mapping network: w = 2 z."""

    def forward(self, z: Tensor) -> Tensor:
        return 2 * z


def first_coordinate(w: Tensor) -> Sequence[float | None]:
    """Yaw = 10 times the first coordinate; codes whose second coordinate is above 2 show no face."""
    return [None if b > 2 else 10 * a for a, b in w[:, :2].tolist()]


def draw(count: int, seed: int = 0, truncation: float = 0.7) -> Tensor:
    return sample_codes(Doubling(), torch.zeros(512), first_coordinate, count=count, seed=seed, truncation=truncation)


def test_codes_are_faces_spread_over_the_yaws() -> None:
    w = draw(12)
    assert w.shape == (12, 512)
    yaws = np.sort(np.array(first_coordinate(w), dtype=np.float64))
    assert np.abs(yaws - np.linspace(-YAW_LIMIT, YAW_LIMIT, 12)).mean() < 4
    assert len(torch.unique(w, dim=0)) == 12


def test_codes_depend_on_their_seed_alone() -> None:
    assert torch.equal(draw(5), draw(5))
    assert not torch.equal(draw(5), draw(5, seed=1))
    assert draw(0).shape == (0, 512)


def test_truncation_pulls_to_the_mean() -> None:
    mean = torch.full((512,), 3.0)
    w = sample_codes(Doubling(), mean, lambda w: [0.0] * len(w), count=4, seed=0, truncation=0.5)
    assert w.mean() == pytest.approx(1.5, abs=0.1)  # Half the way from the mapping's mean, 0.


def test_too_few_faces_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"expected 3 faces among 6.*found 0.*another seed"):
        sample_codes(Doubling(), torch.zeros(512), lambda w: [None] * len(w), count=3, seed=0, truncation=1.0)


def test_yaw_is_measured_only_where_one_face_is_seen() -> None:
    photo = to_tensor([portraits.example_photo("astronaut")])
    shown = {0: torch.zeros_like(photo), 1: photo, 2: torch.cat([photo, photo], dim=3)}
    yaws = portraits.measured_yaw(lambda w: shown[int(w[0, 0])], FaceMeter())(torch.tensor([[0.0], [1.0], [2.0]]))
    assert yaws[0] is None
    assert yaws[1] == pytest.approx(-3, abs=4)
    assert yaws[2] is None


def test_plates_of_the_study_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(plates, "plate", lambda name, rng, size: shown.append(name))
    for number in range(2 * len(STUDY_PLATES)):
        study_plate(number, 7, 64)
    assert shown == [*STUDY_PLATES, *STUDY_PLATES]
    assert len(set(STUDY_PLATES)) == len(STUDY_PLATES)


def test_a_plate_of_the_study_is_a_view_of_its_own_and_the_same_twice() -> None:
    assert np.array_equal(study_plate(2, 7, 64), study_plate(2, 7, 64))
    for number, seed in ((2 + len(STUDY_PLATES), 7), (2, 8)):  # the same photograph
        other = study_plate(number, seed, 64)
        assert not np.array_equal(study_plate(2, 7, 64), other)


def generate(w: Tensor) -> Tensor:
    """Each code's first coordinate as grey level."""
    return w[:, 0].clamp(-1, 1)[:, None, None, None].expand(-1, 3, SIZE, SIZE)


def parse(rgb: Tensor) -> Tensor:
    """The person stands in a column that moves right with the grey level."""
    columns = torch.linspace(-1, 1, SIZE)
    return ((columns - rgb[:, :1, :1, :1]).abs() < 0.3).float().expand(-1, 1, SIZE, -1)


def test_the_truth_is_the_edited_person_over_the_same_plate() -> None:
    direction = torch.eye(512)[0]
    plate = np.random.default_rng(0).random((SIZE, SIZE, 3), np.float32)
    for degree in (-0.5, 0.0, 0.5):
        rendered = generate(torch.full((1, 512), -0.1) + degree * direction)
        (person,), (matte,) = to_arrays(rendered), to_arrays(parse(rendered))
        layers = compose(person, matte, plate)
        assert np.array_equal(layers.matte, matte)
        assert np.array_equal(layers.rgb, np.where((matte == 1)[..., None], person, plate))


def test_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'lena'.*astronaut"):
        portraits.example_photo("lena")
