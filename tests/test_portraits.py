"""The known-plate set, with a generator and a parser that are arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.tensors import to_arrays, to_tensor
from unripple.known_plate import plates, portraits
from unripple.known_plate.portraits import YAW_LIMIT, YAW_OF_POSE, OneFace, compose, sample_codes, study_plate
from unripple.settings.plates import STUDY_PLATES

SIZE = 32


class Doubling(nn.Module):
    """A mapping network: w = 2 z."""

    def forward(self, z: Tensor) -> Tensor:
        return 2 * z


#: Faces turn along the first coordinate.
POSE = torch.eye(512)[0]


def second_is_small(w: Tensor) -> bool:
    """Codes whose second coordinate is above 1 show no face."""
    return float(w[0, 1]) <= 1


def draw(count: int, seed: int = 0, truncation: float = 0.7, is_one_face: OneFace = second_is_small) -> Tensor:
    return sample_codes(Doubling(), torch.zeros(512), POSE, is_one_face, count=count, seed=seed, truncation=truncation)


def test_codes_are_faces_spread_over_the_yaws() -> None:
    w = draw(12)
    assert w.shape == (12, 512)
    assert (w[:, 1] <= 1).all()
    yaws = np.sort(YAW_OF_POSE * w[:, 0].numpy())
    assert np.abs(yaws - np.linspace(-YAW_LIMIT, YAW_LIMIT, 12)).mean() < 4
    assert len(torch.unique(w, dim=0)) == 12


def test_no_more_faces_are_looked_at_than_needed_and_none_twice() -> None:
    looked: list[Tensor] = []

    def is_one_face(w: Tensor) -> bool:
        looked.append(w)
        return second_is_small(w)

    taken = draw(12, is_one_face=is_one_face)
    seen = torch.cat(looked)
    assert len(torch.unique(seen, dim=0)) == len(seen)
    assert len(seen) < 24
    assert all((seen == one).all(dim=1).any() for one in taken)


class Shaken(Doubling):
    """The same on another processor."""

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z) + 1e-6 * torch.randn(z.shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("seed", range(5))
def test_a_last_digit_makes_nobody_somebody_else(seed: int) -> None:
    both = [
        sample_codes(mapping, torch.zeros(512), POSE, second_is_small, count=40, seed=seed, truncation=0.7)
        for mapping in (Doubling(), Shaken())
    ]
    torch.testing.assert_close(*both, atol=1e-5, rtol=0)


def test_codes_depend_on_their_seed_alone() -> None:
    assert torch.equal(draw(5), draw(5))
    assert not torch.equal(draw(5), draw(5, seed=1))
    assert draw(0).shape == (0, 512)


def test_truncation_pulls_to_the_mean() -> None:
    mean = torch.full((512,), 3.0)
    w = sample_codes(Doubling(), mean, POSE, lambda w: True, count=4, seed=0, truncation=0.5)
    assert w.mean() == pytest.approx(1.5, abs=0.1)  # Half the way from the mapping's mean, 0.


def test_too_few_faces_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"expected 3 faces among 6.*found 0.*another seed"):
        draw(3, is_one_face=lambda w: False)


def test_one_face_is_neither_none_nor_two() -> None:
    photo = to_tensor([portraits.example_photo("astronaut")])
    shown = [torch.zeros_like(photo), photo, torch.cat([photo, photo], dim=3)]
    is_one_face = portraits.shows_one_face(lambda w: shown[int(w[0, 0])], FaceMeter())
    assert [is_one_face(torch.tensor([[float(i)]])) for i in range(3)] == [False, True, False]


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


def test_who_stands_beside_the_person_is_background() -> None:
    person, plate = np.full((SIZE, SIZE, 3), 0.5, np.float32), np.full((SIZE, SIZE, 3), -0.5, np.float32)
    alone = np.zeros((SIZE, SIZE), np.float32)
    alone[:, : SIZE // 2] = 1
    beside = alone.copy()
    beside[:, -SIZE // 8 :] = 1
    expected, found = compose(person, alone, plate), compose(person, beside, plate)
    assert np.array_equal(found.matte, expected.matte)
    assert np.array_equal(found.rgb, expected.rgb)
    assert np.array_equal(found.rgb[:, -SIZE // 8 :], plate[:, -SIZE // 8 :])


def test_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'lena'.*astronaut"):
        portraits.example_photo("lena")
