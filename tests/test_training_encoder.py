"""The closed-form encoder and directions: exact on cases with a known answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from unripple.networks.e4e_lite import FEATURES, E4eLite, PooledFeatures
from unripple.training import encoder, rendered_faces, ridge
from unripple.training.directions import fit_direction
from unripple.weights.st_lpips import load_trunk


def linear_problem(rows: int, columns: int, rank: int, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(rows, columns, generator=random)
    y = x @ torch.randn(columns, rank, generator=random) @ torch.randn(rank, 512, generator=random) + 3
    return x, y + noise * torch.randn(rows, 512, generator=random)


def test_ridge_finds_an_affine_map_of_low_rank() -> None:
    x, y = linear_problem(400, 20, 4, noise=0.0)
    network = encoder.as_network(ridge.fit(x, y, 4, (1e-6, 1.0), 40))
    unseen, _ = linear_problem(450, 20, 4, noise=0.0)
    torch.testing.assert_close(network(x)[:, 5], y, atol=0.05, rtol=0.01)
    assert network(unseen).shape == (450, 18, 512)


def test_ridge_of_too_low_a_rank_keeps_the_most_it_can() -> None:
    x, y = linear_problem(400, 20, 4, noise=0.0)
    errors = []
    for rank in (1, 2, 4):
        errors.append(float((encoder.as_network(ridge.fit(x, y, rank, (1e-6,), 40))(x)[:, 0] - y).square().mean()))
    assert errors[0] > errors[1] > errors[2]


def test_noise_asks_for_a_larger_penalty() -> None:
    penalties = (1e-4, 1e-1, 10.0)
    clean = ridge.fit(*linear_problem(120, 200, 4, noise=0.0), 16, penalties, 20)
    noisy = ridge.fit(*linear_problem(120, 200, 4, noise=60.0), 16, penalties, 20)
    assert noisy.penalty > clean.penalty
    assert clean.r2 > noisy.r2


def test_ridge_refuses_to_hold_out_too_much() -> None:
    with pytest.raises(ValueError, match="held out"):
        ridge.fit(torch.zeros(10, 3), torch.zeros(10, 2), 1, (1.0,), 6)


def test_r_squared_of_the_mean_is_zero_and_of_the_target_one() -> None:
    target = torch.tensor([[1.0, 5.0], [3.0, 9.0]])
    assert ridge.r_squared(target, target) == 1
    assert ridge.r_squared(target, target.mean(dim=0).expand(2, 2)) == 0


def test_cross_fitted_guesses_come_from_encoders_that_have_not_seen_the_row() -> None:
    random = torch.Generator().manual_seed(2)
    x = torch.randn(80, 300, generator=random)
    w = torch.randn(80, 512, generator=random)  # nothing to learn: only memory could fit it
    seen = encoder.as_network(encoder.fit_rows(x, w, 64))(x)[:, 0]
    unseen = encoder.cross_fitted(x, w, 64)
    assert ridge.r_squared(w, seen) > ridge.r_squared(w, unseen) + 0.1
    assert ridge.r_squared(w, unseen) < 0.05


def test_pooled_features_have_the_promised_length() -> None:
    with torch.no_grad():
        assert PooledFeatures(load_trunk())(torch.zeros(1, 3, 256, 256)).shape == (1, FEATURES)


def test_encoder_takes_the_mean_off_and_repeats_the_code() -> None:
    network = E4eLite(rank=2, features=3)
    network.mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    w_plus = network(torch.tensor([[1.0, 2.0, 3.0]]))
    assert w_plus.shape == (1, 18, 512)
    torch.testing.assert_close(w_plus[0], network.up.bias.expand(18, -1))


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
