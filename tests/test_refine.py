"""Refinement of codes: nearer to the photo, still one code of W, and no photo minds another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unripple.codes import CodeSampler
from unripple.files.tensors import to_256
from unripple.models import ModelSet
from unripple.models.lite import load
from unripple.networks.mobile_stylegan import rows
from unripple.stages.refine import encode_refined, refine
from unripple.weights.st_lpips import load_st_lpips


@pytest.fixture(scope="module")
def models(root: Path) -> ModelSet:
    return load(root / "models" / "lite", "cpu")


@pytest.fixture(scope="module")
def photos(models: ModelSet) -> tuple[torch.Tensor, torch.Tensor]:
    """Two rendered faces, and codes some way off theirs."""
    w = CodeSampler(models.mapping, seed=8, truncation=(0.7, 0.7)).draw(2)
    with torch.no_grad():
        return to_256(models.generator(rows(w))), rows(w + 0.4 * (w.flip(0) - w))


def distance(models: ModelSet, photo: torch.Tensor, w_plus: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return load_st_lpips()(to_256(models.generator(w_plus)), photo).mean(dim=(1, 2, 3))


def test_a_few_steps_come_nearer_and_photos_do_not_mind_each_other(
    models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]
) -> None:
    photo, start = photos
    together = refine(photo, start, 3, models)
    assert (distance(models, photo, together) < distance(models, photo, start)).all()
    torch.testing.assert_close(together, rows(together[:, 3]))
    alone = refine(photo[1:], start[1:], 3, models)
    # bfloat16 sums differ a little with the batch; a step is 0.05
    torch.testing.assert_close(together[1:], alone, atol=0.02, rtol=0)


def test_codes_of_w_plus_are_refused(models: ModelSet) -> None:
    w_plus = torch.randn(1, 18, 512, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="expected codes of W, equal in all rows"):
        refine(torch.zeros(1, 3, 256, 256), w_plus, 2, models)


def test_no_steps_return_the_code(models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]) -> None:
    photo, start = photos
    assert refine(photo, start, 0, models) is start


def test_neither_batch_nor_threads_change_a_code(models: ModelSet, photos: tuple[torch.Tensor, torch.Tensor]) -> None:
    photo, threads = photos[0], torch.get_num_threads()
    together = encode_refined(photo, 2, models)
    torch.set_num_threads(threads + 1)
    try:
        alone = encode_refined(photo[1:], 2, models)
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(together[1:], alone)
