"""Refinement of codes: nearer to the photo, a code of W where W has the face, and no photo minds another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from skimage import data

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.tensors import to_256, to_tensor
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler, principal_axes
from unripple.stages.align import align
from unripple.stages.refine import begun, descend, encode_refined, face_oval, read_again, refine
from unripple.weights.st_lpips import load_st_lpips


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def photos(models: ModelSet) -> tuple[torch.Tensor, torch.Tensor]:
    """Two rendered faces, and codes some way off theirs."""
    w = CodeSampler(models.mapping, seed=8, truncation=(0.7, 0.7)).draw(2)
    with torch.no_grad():
        return to_256(models.generator(rows(w))), rows(w + 0.15 * (w.flip(0) - w))


@pytest.fixture(scope="module")
def astronaut(models: ModelSet) -> torch.Tensor:
    """A photo, of whom W has nobody like her."""
    return models.seen(to_tensor([align(data.astronaut(), FaceMeter()).rgb]))


def within(photo: torch.Tensor, start: torch.Tensor, steps: int, models: ModelSet) -> torch.Tensor:
    """Refined within W, whatever is left."""
    return rows(searched(photo, start, steps, models)[0][:, 0])


def searched(photo: torch.Tensor, start: torch.Tensor, steps: int, models: ModelSet) -> tuple[torch.Tensor, ...]:
    """What the search within W finds, and the error that it leaves."""
    corrected, weight = begun(photo, start, models)
    return descend(photo, corrected, steps, models, models.descent, weight)


def distance(models: ModelSet, photo: torch.Tensor, w_plus: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return load_st_lpips()(to_256(models.generator(w_plus)), photo).mean(dim=(1, 2, 3))


def test_an_encoder_that_reads_again_comes_nearer(models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Though nothing but the encoder looks, and the generator knows the person alone."""
    faces = photos[0]
    with torch.no_grad():
        matte = models.parser(faces)
        before = torch.lerp(faces.flip(3), faces, matte)  # before another background
        guess = models.encoder(before)
        again = read_again(before, guess, matte, models)
        errors = [
            (matte * (models.small_picture(code) - faces).square()).mean(dim=(1, 2, 3)) for code in (guess, again)
        ]
    assert (errors[1] < 0.9 * errors[0]).all()
    torch.testing.assert_close(again, rows(again[:, 3]), atol=0, rtol=0)


def test_a_few_steps_come_nearer_and_photos_do_not_mind_each_other(
    models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]
) -> None:
    photo, start = photos
    together = refine(photo, start, 3, models)
    assert (distance(models, photo, together) < distance(models, photo, start)).all()
    alone = refine(photo[1:], start[1:], 3, models)
    torch.testing.assert_close(together[1:], alone, atol=0.06, rtol=0)  # a step is .06, and sums differ with the batch


def test_a_face_that_w_has_stays_in_it(models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]) -> None:
    photo, start = photos
    refined = refine(photo, start, 3, models)
    assert (refined - start).norm() > 0
    torch.testing.assert_close(refined, rows(refined[:, 3]), atol=0, rtol=0)


def test_a_face_that_w_does_not_have_leaves_it_and_comes_nearer(
    models: ModelSet, astronaut: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unripple.stages.refine.ENOUGH", 5)
    start = models.encoder(astronaut)
    free = refine(astronaut, start, 5, models)
    assert free.std(dim=1).max() > 0.01
    weight, left = models.parser(astronaut), {}
    for name, code in (("W", within(astronaut, start, 15, models)), ("W+", free)):  # 5 steps, and twice as many again
        with torch.no_grad():
            error = (models.small_picture(code) - astronaut).square()
        left[name] = float((weight * error).sum() / weight.sum())
    assert left["W+"] < left["W"]


def test_how_far_it_leaves_w_grows_from_nothing(
    models: ModelSet, astronaut: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No step from one side of a limit to the other: another processor's last digits must not make another face."""
    start = models.encoder(astronaut)
    plain = within(astronaut, start, 1, models)
    _, error = searched(astronaut, start, 1, models)
    monkeypatch.setattr("unripple.stages.refine.ENOUGH", 1)
    away = []
    for known in (float(error) * 1.01, float(error) * 0.99, float(error) * 0.5):
        monkeypatch.setattr("unripple.stages.refine.KNOWN", known)
        monkeypatch.setattr("unripple.stages.refine.STRANGE", known + float(error))
        away.append(float((refine(astronaut, start, 1, models) - plain).norm()))
    assert away[0] == 0 < away[1] < 0.05 * away[2]


def test_the_face_lies_where_alignment_puts_it(astronaut: torch.Tensor) -> None:
    oval = face_oval(astronaut)[0, 0]
    assert oval.shape == (256, 256)
    assert oval[118, 95] > 0.5 and oval[118, 161] > 0.5 and oval[182, 128] > 0.5  # FFHQ's eyes and mouth
    assert oval[10].max() < 0.01 and oval[:, 10].max() < 0.01 and oval[250].max() < 0.2


def test_coordinates_along_the_axes_are_spread_like_w(models: ModelSet) -> None:
    axes = principal_axes(models.mapping)
    with torch.no_grad():
        w = models.mapping(torch.randn(4000, 512, generator=torch.Generator().manual_seed(7)))
    spread = torch.linalg.solve(axes.T, (w - w.mean(dim=0)).T).T.var(dim=0)
    assert (spread[-256:] - 1).abs().max() < 0.2
    assert torch.equal(axes, principal_axes(models.mapping))
    lengths = axes.norm(dim=1)
    torch.testing.assert_close(principal_axes(models.mapping, 0.0), axes / lengths[:, None], rtol=1e-4, atol=1e-5)


def test_codes_of_w_plus_are_refused(models: ModelSet) -> None:
    w_plus = torch.randn(1, 18, 512, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="expected codes of W, equal in all rows"):
        refine(torch.zeros(1, 3, 256, 256), w_plus, 2, models)


def test_no_steps_return_the_code(models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]) -> None:
    photo, start = photos
    assert refine(photo, start, 0, models) is start


def test_neither_batch_nor_threads_change_a_code(models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]) -> None:
    photo, threads = photos[0], torch.get_num_threads()
    together = encode_refined(photo, 4, models)
    torch.testing.assert_close(encode_refined(photo[1:], 4, models), together[1:], atol=0, rtol=0)
    torch.set_num_threads(threads + 1)
    try:
        other = encode_refined(photo[1:], 4, models)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(other, together[1:], atol=0.1, rtol=0)  # one step is .06
