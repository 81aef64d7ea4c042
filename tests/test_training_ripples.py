"""The ripple finder's training and its pairs, at toy sizes."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from unripple.files.pictures import Rgb
from unripple.files.tensors import to_tensor
from unripple.known_plate.after_image import KnownEdit
from unripple.models import lite
from unripple.networks.mobile_stylegan import rows
from unripple.networks.ripple_finder import RippleFinder
from unripple.networks.w_space import CodeSampler
from unripple.training import ripple_pairs
from unripple.training.augment import Dice
from unripple.training.rendered_faces import FARTHEST
from unripple.training.ripple_pairs import Pair, Part, make_all, make_pair, parts, random_degree, random_plate, split
from unripple.training.ripples import Pairs, load, quality, scores, softened
from unripple.training.segmenter import Recipe, train

WIDTHS = (8, 8, 8, 16, 16)


def toy_pairs(count: int = 12, size: int = 64) -> Pairs:
    """A disc of detail that the edit brings back where it lay: bright in what was added, beside other added detail."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:size, :size]
    pictures, marked = [], []
    for _ in range(count):
        centre = rng.uniform(0.3, 0.7, 2) * size
        disc = np.hypot(y - centre[0], x - centre[1]) < size * rng.uniform(0.15, 0.3)
        photo, low_rate_edit = rng.integers(60, 120, (2, size, size, 3))
        added = np.where(disc[..., None], 60, rng.integers(-20, 20, (size, size, 3)))
        pictures.append(np.stack([photo, photo - 10, low_rate_edit + added, low_rate_edit]).astype(np.uint8))
        marked.append(disc)
    ripples_ = torch.from_numpy(np.stack(marked))
    person = torch.from_numpy(np.broadcast_to(x < size / 2, ripples_.shape).copy())
    return Pairs(torch.from_numpy(np.stack(pictures)), ripples_, person)


def cpu() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


class ByLevel(nn.Module):
    """Stands in for a trained finder: what was added by more than 40 grey levels."""

    def forward(self, photo: Tensor, inversion: Tensor, edit: Tensor, low_rate_edit: Tensor) -> Tensor:
        return ((edit - low_rate_edit).mean(dim=1, keepdim=True) > 40 / 127.5).float()


class Nobody(nn.Module):
    """Stands in for the parser: a person who fills the photo, and none in the edit, which is brighter."""

    def forward(self, rgb: Tensor) -> Tensor:
        return (rgb.mean(dim=(1, 2, 3), keepdim=True) < 90.5 / 127.5 - 1).float().expand(-1, 1, *rgb.shape[2:])


def test_a_short_training_learns_the_toy() -> None:
    pairs = toy_pairs()
    before, after = (
        train(partial(RippleFinder, WIDTHS), pairs, cpu(), Recipe(steps, batch=8, rate=5e-3)) for steps in (1, 60)
    )
    found = [quality(network, Nobody(), pairs) for network in (before, after)]  # type: ignore[arg-type]
    assert float(found[1]["iou_learned"]) > 0.6
    assert not float(found[0]["iou_learned"]) > 0.4  # or NaN


def test_scores_count_pixels() -> None:
    marked, right, inside = np.zeros((3, 2, 4, 4), bool)
    marked[0, :, :2] = right[0, :2] = inside[:, :, :1] = True
    found = scores(marked, right, inside)
    assert found == {
        "precision": 4 / 8,
        "recall": 4 / 8,
        "iou": 4 / 12,
        "recall_inside": 2 / 2,
        "recall_outside": 2 / 6,
    }
    assert np.isnan(scores(~inside & inside, right, inside)["precision"])


def test_figures_are_those_of_the_finder_and_of_the_bit_operation() -> None:
    pairs = toy_pairs()
    figures = quality(ByLevel(), Nobody(), pairs)  # type: ignore[arg-type]
    share = float(pairs.ripples.float().mean())
    assert figures["unseen_faces"] == "12"
    assert float(figures["ripples"]) == pytest.approx(share, abs=1e-4)
    for score in ("precision", "recall", "iou", "recall_inside", "recall_outside"):
        assert float(figures[f"{score}_learned"]) == 1, score
    assert float(figures["recall_learned_grown"]) == 1 > float(figures["precision_learned_grown"])
    # Everybody is gone in the edit: the bit operation marks all of the picture.
    assert float(figures["recall_bits"]) == 1
    assert float(figures["precision_bits"]) == pytest.approx(share, abs=1e-3)


def test_augmentation_is_a_function_of_seed_and_step() -> None:
    pairs = toy_pairs()
    first, marked = pairs.augmented(Dice(1, 7), 4)
    again, _ = pairs.augmented(Dice(1, 7), 4)
    other, _ = pairs.augmented(Dice(1, 8), 4)
    assert first.shape == (4, 12, 64, 64) and marked.shape == (4, 1, 64, 64)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert 0 <= float(marked.min()) < float(marked.max()) <= 1
    assert pairs.augmented(Dice(1, 7), 4, 2)[0].shape == (4, 12, 32, 32)


def test_the_mask_moves_with_the_pictures() -> None:
    x, marked = toy_pairs().augmented(Dice(0, 3), 12)
    added = x[:, 9:].mean(dim=1, keepdim=True)
    inside, outside = (float(added[part].mean()) for part in (marked > 0.9, marked < 0.1))
    assert inside > outside + 0.5


def test_softening_keeps_what_is_even_and_spreads_what_is_not() -> None:
    even = torch.full((1, 12, 8, 8), 0.3)
    torch.testing.assert_close(softened(even), even)
    point = torch.zeros(1, 12, 8, 8)
    point[0, 5, 4, 4] = 16
    spread = softened(point)
    assert spread[0, 5, 3:6, 3:6].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert float(spread.sum()) == 16


def face_chunks(folder: Path, *counts: int) -> list[Path]:
    files = []
    for number, count in enumerate(counts):
        file = folder / f"faces~{number:03d}.npz"
        np.savez(
            file,
            rgb=np.full((count, 256, 256, 3), 10 * number + 10, np.uint8),
            w=np.full((count, 512), number, np.float32),
            degree=np.zeros(count, np.float32),
        )
        files.append(file)
    return files


def test_faces_are_cut_into_parts_and_split(tmp_path: Path) -> None:
    one, two = face_chunks(tmp_path, 120, 50)
    found = parts([one, two])
    assert found == [Part(one, 0, 50), Part(one, 50, 100), Part(one, 100, 120), Part(two, 0, 50)]
    assert found[1].name("seen") == "seen~000-050.npz"
    assert split(found, 60, 10) == {"seen": found[:2], "unseen": found[3:]}
    assert split(found, 120, 50) == {"seen": found[:3], "unseen": found[3:]}
    with pytest.raises(ValueError, match=r"expected faces for 121 pairs and 50 held out, found 170 in 4 parts"):
        split(found, 121, 50)
    with pytest.raises(ValueError, match="for 999 pairs"):
        split(found[:2], 999, 10)


def test_nobody_is_turned_too_far_or_not_at_all() -> None:
    random = np.random.default_rng(0)
    for face in (-4.0, 0.0, 4.0):
        degrees = np.array([random_degree(face, random) for _ in range(200)])
        assert (np.abs(degrees) >= ripple_pairs.NEAREST).all() and (np.abs(degrees) <= FARTHEST).all()
        assert (np.abs(face + degrees) <= ripple_pairs.IN_ALL).all()
    assert min(random_degree(0, random) for _ in range(20)) < 0 < max(random_degree(0, random) for _ in range(20))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, float]]:
    """Pairs are made of plain pictures; lists the faces' codes, degrees and how near the truth their codes are."""
    calls: list[tuple[float, float, float]] = []

    def plain(face: Rgb, w: Tensor, behind: Rgb, degree: float, near: float, models: Any) -> Pair:
        calls.append((float(w[0]), degree, near))
        other = np.full_like(face, 99)
        return Pair(KnownEdit(face, other, behind, other, other), np.full(face.shape[:2], 200, np.uint8))

    monkeypatch.setattr(ripple_pairs, "make_pair", plain)
    return calls


@pytest.fixture
def models(root: Path, tmp_path: Path) -> lite.LiteModels:
    """The embedded set in a folder of its own."""
    folder = tmp_path / "models"
    folder.mkdir()
    for file in (root / "models/lite").glob("*.safetensors"):
        shutil.copy(file, folder)
    return lite.load(folder, "cpu")


def test_pairs_are_made_once_and_anew_when_the_models_are_others(
    tmp_path: Path, made: list[tuple[float, float, float]], models: lite.LiteModels
) -> None:
    cache = tmp_path / "cache"
    chosen = split(parts(face_chunks(tmp_path, 60, 40)), 60, 10)
    files = make_all(chosen, cache, models)
    assert [file.name for file in files["seen"]] == ["seen~000-000.npz", "seen~000-050.npz"]
    assert [file.name for file in files["unseen"]] == ["unseen~001-000.npz"]
    assert len(made) == 100
    kept = {file.name: file.read_bytes() for file in cache.iterdir()}
    make_all(chosen, cache, models)
    assert len(made) == 100

    files["seen"][1].unlink()  # as if the making had been stopped before it
    make_all(chosen, cache, models)
    assert made[100:] == made[50:60]
    assert {file.name: file.read_bytes() for file in cache.iterdir()} == kept

    weights = models.folder / "encoder.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    make_all(chosen, cache, models)
    assert made[110:] == made[:100]


def test_two_in_three_codes_are_nearer_the_truth_than_guesses(
    tmp_path: Path, made: list[tuple[float, float, float]], models: lite.LiteModels
) -> None:
    make_all(split(parts(face_chunks(tmp_path, 200, 5)), 200, 5), tmp_path / "cache", models)
    near = np.array([one for _, _, one in made])
    assert 0.55 < (near > 0).mean() < 0.8
    assert near.min() == 0 and 0.5 < near.max() <= ripple_pairs.NEAR


def test_files_of_pairs_are_read_as_the_network_takes_them(
    tmp_path: Path, made: list[tuple[float, float, float]], models: lite.LiteModels
) -> None:
    files = make_all(split(parts(face_chunks(tmp_path, 3, 2)), 3, 2), tmp_path / "cache", models)
    pairs = load(files["seen"])
    assert pairs.pictures.shape == (3, 4, 256, 256, 3)
    assert pairs.pictures[:, 0].unique().tolist() == [10]  # the photo, here the face itself
    assert pairs.pictures[:, (1, 3)].unique().tolist() == [99]
    assert pairs.ripples.shape == (3, 256, 256) and pairs.person.all()


def test_held_out_faces_stand_before_plates_that_no_training_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ripple_pairs, "training_plate", lambda random, size: np.zeros((size, size, 3), np.uint8))
    random = np.random.default_rng(0)
    assert not random_plate("seen", random, 32).any()
    assert random_plate("unseen", random, 32).any()


@pytest.fixture(scope="module")
def shipped(root: Path) -> lite.LiteModels:
    return lite.load(root / "models/lite", "cpu")


def test_a_pair_shows_one_person_before_one_plate(shipped: lite.LiteModels) -> None:
    (w,) = CodeSampler(shipped.mapping, seed=7, truncation=(0.7, 0.7)).draw(1)
    with torch.no_grad():
        rendered = shipped.small_picture(rows(w[None]))
    face = ((rendered[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    behind = np.full((256, 256, 3), (30, 160, 60), np.uint8)
    guessed, true = (make_pair(face, w, behind, 3.0, near, shipped) for near in (0.0, 1.0))
    corner = np.s_[:20, :20]
    for name in ("photo", "truth"):
        assert np.abs(getattr(true.known, name)[corner].astype(int) - behind[corner]).max() <= 1, name
    assert np.array_equal(guessed.known.photo, true.known.photo)
    assert np.array_equal(guessed.known.truth, true.known.truth)
    # With the true code the inversion is the face as it was rendered.
    assert np.abs(true.known.inversion.astype(int) - face).max() <= 1
    assert np.abs(guessed.known.inversion.astype(int) - face).mean() > 4
    turned = shipped.small_picture(rows((w + 3 * shipped.direction("pose"))[None]))
    torch.testing.assert_close(to_tensor([true.known.low_rate_edit]), turned, rtol=0, atol=0.02)
    core = true.person > 250
    assert core.mean() > 0.2
    apart = np.abs(true.known.truth.astype(int) - true.known.low_rate_edit)[core].mean()
    assert apart < 3  # the true edit is the low-rate edit of the true code, cut out
    assert np.abs(true.known.edit.astype(int) - true.known.low_rate_edit)[corner].mean() > 10  # the plate was consulted
