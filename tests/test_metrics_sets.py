"""Distances of sets in closed-form cases, and which sets are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from unripple.files.data import write_arrays
from unripple.metrics.arrays import Vector
from unripple.metrics.features import Features, read_features
from unripple.metrics.frechet import LEAST_PICTURES, frechet_distance
from unripple.metrics.kernel_distance import kernel_distance
from unripple.metrics.sets import set_distances, sets_text
from unripple.metrics.st_lpips import pooled
from unripple.settings.columns import BASELINE, INCEPTION, KEYS, PHOTO, ST_ALEXNET, TRUTH

SIZE = 32


def normal(seed: int, count: int = 300, size: int = 8) -> Vector:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def each(count: int) -> list[str]:
    """A photo for each row."""
    return [f"{number}" for number in range(count)]


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
    with pytest.raises(ValueError, match="of the same edits of two photos or more"):
        kernel_distance(normal(4), normal(5)[:-1], each(300))
    with pytest.raises(ValueError, match="of 1 photos"):
        kernel_distance(normal(4), normal(5), ["a"] * 300)


def test_the_kernel_distance_of_equal_sets_is_zero_and_of_points_its_definition() -> None:
    a = normal(6)
    assert kernel_distance(a, a, each(300)) == pytest.approx((0, 0, 0), abs=1e-15)
    x, y = np.array([[2.0], [3.0]]), np.array([[1.0], [0.0]])  # k(x, y) = (x y + 1)^3
    value, low, _ = kernel_distance(x, y, ["p", "q"])
    assert value == (6 + 1) ** 3 + (0 + 1) ** 3 - (0 + 1) ** 3 - (3 + 1) ** 3
    assert np.isnan(low)


def test_it_is_the_librarys_but_for_the_pairs_of_one_picture() -> None:
    a, b = normal(7, 600), normal(8, 600) + 0.3
    whole = float(poly_mmd(torch.from_numpy(a).double(), torch.from_numpy(b).double()))
    assert kernel_distance(a, b, each(600))[0] == pytest.approx(whole, abs=2e-3)


def test_it_is_unbiased_however_few_the_pictures_and_its_interval_covers() -> None:
    rng = np.random.default_rng(9)
    samples = (rng.normal(size=(2, 12, 4)) for _ in range(400))
    found = np.array([kernel_distance(a, b, each(12)) for a, b in samples])
    error = found[:, 0].std() / np.sqrt(len(found))
    assert abs(found[:, 0].mean()) < 3 * error  # a Fréchet distance of such sets is about 2
    assert ((found[:, 1] <= 0) & (found[:, 2] >= 0)).mean() > 0.9


def test_two_pictures_of_one_photo_are_no_pair() -> None:
    # The same faces, each twice: as far from the truth as each once, and no surer.
    a, b = normal(10, 40), normal(11, 40) + 0.5
    once, twice = (
        kernel_distance(np.repeat(a, n, axis=0), np.repeat(b, n, axis=0), np.repeat(each(40), n).tolist())
        for n in (1, 2)
    )
    assert twice == pytest.approx(once)


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


def table(features: Features, photos: int, pictures: int = LEAST_PICTURES) -> pd.DataFrame:
    arrays = features.arrays()
    labels = pd.DataFrame({key: arrays[key] for key in KEYS})
    return set_distances(labels, arrays["feature"], str(arrays["extractor"]), photos, pictures)


def test_each_photo_is_compared_with_its_own_kind_of_reference() -> None:
    found = table(collected(12), 12, 24)
    assert found["reference"].tolist() == [TRUTH, PHOTO]
    assert found["frechet"].tolist() == pytest.approx([4, 9], rel=1e-3)
    assert found["kernel"].is_monotonic_increasing and found["kernel_low"].min() > 0
    assert (found["kernel_low"] < found["kernel"]).all() and (found["kernel"] < found["kernel_high"]).all()
    assert set(found["photos"]) == {12} and set(found["pictures"]) == {24} and set(found["stratum"]) == {"|degree| 3"}
    assert set(found["extractor"]) == {ST_ALEXNET}
    text = sets_text(found)
    about = f"({ST_ALEXNET}, 24 pictures of 12 photos, |degree| 3) to the true edits: hfgi "
    assert f"Kernel distance x 1000 {about}" in text and f"Fréchet distance {about}4.0" in text


def test_a_method_that_lacks_pictures_is_compared_with_the_truths_of_the_others() -> None:
    features = collected(12)
    for number in range(10):
        edit, found = features.labels[4 * number], features.vectors[4 * number]
        features.add({key: edit[key] for key in KEYS if key != "method"}, {"other": found})
    rows = table(features, 5, 10)
    other = rows[(rows["method"] == "other") & (rows["reference"] == TRUTH)].iloc[0]
    assert (other["photos"], other["pictures"]) == (5, 10) and other["frechet"] == pytest.approx(4, rel=1e-2)


def test_rows_are_paired_by_their_names_not_their_order() -> None:
    features = collected(12)
    turned = Features(ST_ALEXNET, features.labels[::-1], features.vectors[::-1])
    assert table(features, 12, 24).equals(table(turned, 12, 24))


def test_too_few_pictures_give_no_number_and_say_so() -> None:
    assert table(collected(12), 13).empty
    assert "no set has 10 photos" in sets_text(table(collected(12), 13))
    found = table(collected(12), 12)
    assert found["frechet"].isna().all() and found["kernel"].notna().all()
    assert "Fréchet distance: not printed, no set has 5000 pictures" in sets_text(found)


def test_only_the_inception_network_makes_a_kid_or_a_fid() -> None:
    features = collected(12)
    assert not {"FID", "KID"} & set(sets_text(table(features, 12, 24)).split())
    features.extractor = INCEPTION
    lines = sets_text(table(features, 12, 24)).splitlines()
    assert [line.split()[0] for line in lines] == ["KID", "FID", "KID", "FID"]


def test_features_go_through_files_and_shards_without_photos_are_nothing(tmp_path: Path) -> None:
    features = collected(3)
    write_arrays(tmp_path / "a.npz", features.arrays())
    write_arrays(tmp_path / "b.npz", Features(ST_ALEXNET).arrays())
    labels, vectors, extractor = read_features([tmp_path / "b.npz", tmp_path / "a.npz", tmp_path / "b.npz"])
    assert labels.to_dict("records") == features.labels
    assert np.array_equal(vectors, np.array(features.vectors))
    assert extractor == ST_ALEXNET
    assert set_distances(*read_features([tmp_path / "b.npz"])).empty


def test_features_of_two_networks_are_not_mixed(tmp_path: Path) -> None:
    for name in (ST_ALEXNET, INCEPTION):
        write_arrays(tmp_path / f"{name}.npz", Features(name).arrays())
    with pytest.raises(ValueError, match="of one extractor, found inception-v3, st-alexnet-conv5"):
        read_features([tmp_path / f"{name}.npz" for name in (ST_ALEXNET, INCEPTION)])


def test_the_feature_is_the_mean_over_all_places() -> None:
    layer = torch.arange(24.0).reshape(1, 4, 2, 3)
    assert pooled([torch.zeros(1, 2, 9, 9), layer]).tolist() == [2.5, 8.5, 14.5, 20.5]
