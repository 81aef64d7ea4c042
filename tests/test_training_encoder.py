"""The encoder's training, the photos that it sees, and the fit of directions."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from unripple.files.tensors import to_256, to_uint8
from unripple.models import lite
from unripple.models.lite import LiteModels
from unripple.networks.e4e_lite import E4eLite
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import CodeSampler, mean_code
from unripple.training import encoder, guesses, rendered_faces, runner, scenes
from unripple.training.augment import Dice, signed
from unripple.training.directions import fit_direction
from unripple.training.encoder import Recipe, begun, code_loss, quality, train
from unripple.training.photographed import Faces, Photographer, load_faces

FACES = 6


@pytest.fixture(scope="module")
def models(root: Path) -> LiteModels:
    return lite.load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def folder(models: LiteModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chunk of rendered faces."""
    made = tmp_path_factory.mktemp("faces")
    w = CodeSampler(models.mapping, seed=12, truncation=(0.7, 1.0)).draw(FACES)
    rgb = np.concatenate([to_uint8(models.small_picture(rows(one))) for one in w.split(1)])
    np.savez(made / "faces~000.npz", rgb=rgb, w=w.numpy(), degree=np.zeros(FACES, np.float32))
    return made


@pytest.fixture(scope="module")
def faces(models: LiteModels, folder: Path) -> Faces:
    return load_faces(folder, models._parser)


@pytest.fixture(scope="module")
def photographer(faces: Faces) -> Photographer:
    return Photographer(faces, scenes.plates(4))


def trained(models: LiteModels, photographer: Photographer, checkpoint: Path | None = None, **changes: Any) -> E4eLite:
    torch.manual_seed(0)
    network = begun(models)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    recipe = Recipe(**({"steps": 3, "batch": 2, "codes_alone": 0.4} | changes))
    train(network, models, photographer, fabric, recipe, checkpoint=checkpoint)
    return network


def test_faces_have_the_parser_s_mattes(models: LiteModels, faces: Faces) -> None:
    assert faces.rgb.shape == (FACES, 256, 256, 3) and faces.matte.shape == (FACES, 256, 256)
    wanted = models.parser(signed(faces.rgb[2:3]))[0, 0]
    torch.testing.assert_close(faces.matte[2] / 255, wanted, atol=0.004, rtol=0)


def test_photos_show_the_face_that_their_code_makes(models: LiteModels, photographer: Photographer) -> None:
    photos = photographer.take(Dice(3, 5), 8)
    again = photographer.take(Dice(3, 5), 8)
    assert all(torch.equal(a, b) for a, b in zip(photos, again, strict=True))
    with torch.no_grad():
        made = to_256(models.generator(rows(photos.w[:1])))
    assert float((made - photos.rendered[:1]).abs().mean()) < 0.01
    person = photos.matte > 0.95
    for rgb, rendered, inside in zip(photos.rgb, photos.rendered, person, strict=True):
        off = (rgb - rendered).abs()[inside.expand_as(rgb)]
        assert float(off.mean()) < 0.12  # aside by two pixels at most, some of them degraded


def test_about_half_of_the_photos_stand_before_plates(photographer: Photographer) -> None:
    photos = photographer.photos(torch.arange(24) % FACES, Dice(0, 0))
    beside = photos.matte < 0.05
    off = ((photos.rgb - photos.rendered).abs() * beside).sum(dim=(1, 2, 3)) / (3 * beside.sum(dim=(1, 2, 3)))
    assert 6 <= int((off > 0.15).sum()) <= 18


def test_a_single_photo_can_be_taken(photographer: Photographer) -> None:
    assert photographer.take(Dice(0, 1), 1).rgb.shape == (1, 3, 256, 256)


def test_a_training_starts_from_the_mean_code(models: LiteModels) -> None:
    network = begun(models).eval()
    with torch.no_grad():
        w_plus = network(torch.rand(2, 3, 256, 256))
    assert w_plus.shape == (2, 18, 512)
    assert torch.equal(w_plus[:, :1].expand_as(w_plus), w_plus)
    torch.testing.assert_close(w_plus[:, 0], mean_code(models.mapping).expand(2, -1), atol=0.05, rtol=0)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(B, 3, 256, 256\)"):
        E4eLite()(torch.zeros(1, 3, 128, 128))


def test_the_code_s_loss_is_the_share_of_variance_that_is_missed(models: LiteModels) -> None:
    w = CodeSampler(models.mapping, seed=4).draw(400)
    assert float(code_loss(w, w, models)) == 0
    assert float(code_loss(mean_code(models.mapping).expand_as(w), w, models)) == pytest.approx(1, abs=0.1)


def test_training_goes_towards_the_faces_that_it_sees(models: LiteModels, photographer: Photographer) -> None:
    """Of a whole training, hours long, these are the first seconds: the guess leaves the mean code for the faces."""
    photos = photographer.photos(torch.arange(FACES), Dice(0, 0))
    network = trained(models, photographer, steps=24, batch=4, codes_alone=1.0, lr=2e-3).train()
    with torch.no_grad():
        after = code_loss(network(photos.rgb)[:, 0], photos.w, models)
    assert float(after) < 0.8 * float(code_loss(mean_code(models.mapping).expand_as(photos.w), photos.w, models))


def test_pictures_of_the_guess_are_seen_after_the_codes_alone(
    models: LiteModels, photographer: Photographer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count()
    losses = encoder.picture_losses

    def counted(*arguments: Any) -> dict[str, Tensor]:
        next(calls)
        return losses(*arguments)

    monkeypatch.setattr(encoder, "picture_losses", counted)
    trained(models, photographer, steps=4, codes_alone=0.5)
    assert next(calls) == 2


def test_a_resumed_run_equals_an_unbroken_one(
    models: LiteModels, photographer: Photographer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = trained(models, photographer, codes_alone=1.0)
    file, calls = tmp_path / "stopped.ckpt", itertools.count()

    def mortal(*arguments: Any) -> Tensor:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return code_loss(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "SAVE_EVERY", 0.0)  # a checkpoint after every step
        patch.setattr(encoder, "code_loss", mortal)
        trained(models, photographer, file, codes_alone=1.0)
    resumed = trained(models, photographer, file, codes_alone=1.0)
    for key, value in unbroken.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[key], value, msg=key, atol=1e-6, rtol=1e-4)


def test_the_shipped_encoder_knows_unseen_faces(models: LiteModels, photographer: Photographer) -> None:
    with torch.no_grad():
        found = quality(models._encoder, models, photographer)
    assert found["r2"] > 0.6


def test_guesses_are_made_once(models: LiteModels, folder: Path, tmp_path: Path) -> None:
    file = folder / "faces~000.npz"
    guesses.make_chunk(file, tmp_path, models, models.generator, models._parser)
    photo, guess, face = (np.load(one) for one in (tmp_path / "photo~000.npz", tmp_path / "guess~000.npz", file))
    with photo, guess, face:
        assert np.array_equal(photo["w"], face["w"]) and photo["rgb"].shape == guess["rgb"].shape == face["rgb"].shape
        assert np.array_equal(photo["rgb"][::2], face["rgb"][::2]) and not np.array_equal(photo["rgb"], face["rgb"])
        wanted = guesses.guess(photo["rgb"], models)
        np.testing.assert_allclose(guess["w"], wanted, atol=1e-5)
    before = (tmp_path / "guess~000.npz").stat().st_mtime_ns
    guesses.make_chunk(file, tmp_path, models, models.generator, models._parser)
    assert (tmp_path / "guess~000.npz").stat().st_mtime_ns == before


def test_direction_is_the_normal_along_which_the_value_grows() -> None:
    random = np.random.default_rng(0)
    normal = random.standard_normal(32)
    normal /= np.linalg.norm(normal)
    codes = random.standard_normal((600, 32))
    found, accuracy = fit_direction(codes, codes @ normal + 0.05 * random.standard_normal(600))
    assert np.linalg.norm(found) == pytest.approx(1)
    assert found @ normal > 0.95
    assert accuracy > 0.95


def test_direction_of_a_constant_is_refused() -> None:
    with pytest.raises(ValueError, match="varies"):
        fit_direction(np.eye(8), np.ones(8))


def test_no_faces_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"unripple\.training\.rendered_faces"):
        rendered_faces.chunks(tmp_path)
