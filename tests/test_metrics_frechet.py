"""The Fréchet distance in closed-form cases, and which sets it compares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from unripple.files.data import write_arrays
from unripple.metrics.features import Features, read_features
from unripple.metrics.frechet import frechet_distance, frechet_table, frechet_text
from unripple.metrics.st_lpips import Vector, pooled
from unripple.settings.columns import BASELINE, INCEPTION, KEYS, PHOTO, ST_ALEXNET, TRUTH

SIZE = 32


def normal(seed: int, count: int = 300, size: int = 8) -> Vector:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def test_equal_sets_are_at_no_distance_in_any_order() -> None:
    a = normal(0)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-6)


def test_a_set_that_moved_is_as_far_as_the_square_of_its_way() -> None:
    a, way = normal(1).astype(np.float64), np.arange(8) / 4
    assert frechet_distance(a, a + way) == pytest.approx((way**2).sum(), rel=1e-6)


def test_a_set_that_spread_is_as_far_as_its_deviations_differ() -> None:
    centred = normal(2).astype(np.float64)
    centred -= centred.mean(axis=0)
    variance = np.trace(np.cov(centred.T))
    assert frechet_distance(centred, 3 * centred) == pytest.approx((3 - 1) ** 2 * variance, rel=1e-6)


def test_fewer_pictures_than_features_are_no_obstacle() -> None:
    a = normal(3, count=12, size=64).astype(np.float64)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-4)
    assert frechet_distance(a, a + 0.5) == pytest.approx(64 * 0.25, rel=1e-4)


def test_sets_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(normal(4), normal(5, size=9))
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(normal(4), normal(5)[:1])


def collected(photos: int) -> Features:
    """Known plates whose baseline lies 2 from the truth in one number, and as many photos, the baseline 3 away."""
    features = Features(ST_ALEXNET)
    for number in range(photos):
        for degree in (-3.0, 3.0):
            for kind, reference, way in (("known", TRUTH, 2.0), ("real", PHOTO, 3.0)):
                true = np.random.default_rng([number, int(degree) + 3]).normal(size=SIZE).astype(np.float32)
                moved = true.copy()
                moved[0] += way
                edit = {"photo": f"{kind}-{number:03}", "attribute": "pose", "degree": degree}
                features.add(edit, {BASELINE: moved, reference: true})
    return features


def table(features: Features, least: int) -> pd.DataFrame:
    arrays = features.arrays()
    return frechet_table(
        pd.DataFrame({key: arrays[key] for key in KEYS}), arrays["feature"], str(arrays["extractor"]), least
    )


def test_each_photo_is_compared_with_its_own_kind_of_reference() -> None:
    found = table(collected(12), least=24)
    assert found["reference"].tolist() == [TRUTH, PHOTO]
    assert found["distance"].tolist() == pytest.approx([4, 9], rel=1e-3)
    assert set(found["pictures"]) == {24} and set(found["stratum"]) == {"|degree| 3"}
    assert set(found["extractor"]) == {ST_ALEXNET}
    assert frechet_text(found).startswith(
        f"Fréchet distance ({ST_ALEXNET}, 24 pictures, |degree| 3) to the true edits: hfgi 4.0"
    )


def test_a_method_that_lacks_pictures_is_compared_with_the_truths_of_the_others() -> None:
    features = collected(12)
    for number in range(10):
        edit, found = features.labels[4 * number], features.vectors[4 * number]
        features.add({key: edit[key] for key in KEYS if key != "method"}, {"other": found})
    rows = table(features, least=10)
    other = rows[(rows["method"] == "other") & (rows["reference"] == TRUTH)].iloc[0]
    assert other["pictures"] == 10 and other["distance"] == pytest.approx(4, rel=1e-2)


def test_too_few_pictures_give_no_number_and_say_so() -> None:
    found = table(collected(12), least=25)
    assert found.empty
    assert "fewer than 100" in frechet_text(found)
    assert "FID" not in frechet_text(table(collected(12), least=24))


def test_features_go_through_files_and_shards_without_photos_are_nothing(tmp_path: Path) -> None:
    features = collected(3)
    write_arrays(tmp_path / "a.npz", features.arrays())
    write_arrays(tmp_path / "b.npz", Features(ST_ALEXNET).arrays())
    labels, vectors, extractor = read_features([tmp_path / "b.npz", tmp_path / "a.npz", tmp_path / "b.npz"])
    assert labels.to_dict("records") == features.labels
    assert np.array_equal(vectors, np.array(features.vectors))
    assert extractor == ST_ALEXNET
    assert frechet_table(*read_features([tmp_path / "b.npz"])).empty


def test_only_the_inception_network_makes_a_fid() -> None:
    features = collected(12)
    features.extractor = INCEPTION
    assert frechet_text(table(features, least=24)).startswith(f"FID ({INCEPTION}, 24 pictures")


def test_features_of_two_networks_are_not_mixed(tmp_path: Path) -> None:
    for name in (ST_ALEXNET, INCEPTION):
        write_arrays(tmp_path / f"{name}.npz", Features(name).arrays())
    with pytest.raises(ValueError, match="of one extractor, found inception-v3, st-alexnet-conv5"):
        read_features([tmp_path / f"{name}.npz" for name in (ST_ALEXNET, INCEPTION)])


def test_the_feature_is_the_mean_over_all_places() -> None:
    layer = torch.arange(24.0).reshape(1, 4, 2, 3)
    assert pooled([torch.zeros(1, 2, 9, 9), layer]).tolist() == [2.5, 8.5, 14.5, 20.5]
