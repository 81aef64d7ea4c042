"""The parser's training, its teacher and the loop that trainings share, at toy sizes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file

from unripple.networks.parser import Parser
from unripple.training import matted_faces, teacher
from unripple.training.augment import Dice, compressed, moved, with_ghost, with_neighbour, with_things
from unripple.training.export import export
from unripple.training.parser import Portraits, agreement, iou
from unripple.training.runner import Run
from unripple.training.segmenter import Recipe, train

WIDTHS = (8, 8, 8, 16, 16)


def toy_portraits(count: int = 12, size: int = 64) -> Portraits:
    """Warm discs, the persons, before cold noise."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:size, :size]
    pictures, mattes = [], []
    for _ in range(count):
        centre = rng.uniform(0.35, 0.65, 2) * size
        disc = np.hypot(y - centre[0], x - centre[1]) < size * rng.uniform(0.2, 0.35)
        cold = rng.integers(0, 120, (size, size, 3)) + np.array([0, 40, 130])
        warm = rng.integers(0, 60, (size, size, 3)) + np.array([190, 110, 60])
        pictures.append(np.where(disc[..., None], warm, cold).astype(np.uint8))
        mattes.append(disc.astype(np.uint8) * 255)
    plates = rng.integers(0, 255, (4, size, size, 3)).astype(np.uint8)
    return Portraits(torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(mattes)), torch.from_numpy(plates))


def cpu() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def test_a_short_training_learns_the_toy(tmp_path: Path) -> None:
    portraits = toy_portraits()
    log = tmp_path / "log.jsonl"
    before = train(partial(Parser, WIDTHS), portraits, cpu(), Recipe(1, batch=4))
    after = train(partial(Parser, WIDTHS), portraits, cpu(), Recipe(60, batch=8, rate=5e-3, log=log))
    rgb, matte = portraits.batch(torch.arange(12))
    assert agreement(after, rgb, matte)[0] > max(0.6, agreement(before, rgb, matte)[0] + 0.1)
    assert json.loads(log.read_text().splitlines()[-1])["step"] == 60


def test_a_trained_parser_is_trained_further() -> None:
    portraits = toy_portraits()
    start = train(partial(Parser, WIDTHS), portraits, cpu(), Recipe(20, batch=4))
    weight = start.segmenter.head.weight.detach().clone()
    same = train(lambda: start, portraits, cpu(), Recipe(1, batch=4, rate=0))
    assert torch.equal(same.segmenter.head.weight, weight)


def test_minutes_end_a_training_early_and_its_schedule_with_it() -> None:
    run = Run(cpu(), {}, steps=10**9, minutes=0.001)
    for _ in run:
        pass
    assert 0.06 <= run.seconds < 5
    assert run.progress == 1
    assert run.rate() == 0


def test_iou_counts_pixels() -> None:
    a, b = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    a[0, 0, :, :2] = 1
    b[0, 0, :2] = 1
    assert iou(a, b).tolist() == [pytest.approx(4 / 12), 1.0]


def test_augmentation_is_a_function_of_seed_and_step() -> None:
    portraits = toy_portraits()
    first, matte = portraits.augmented(Dice(1, 7), 4)
    again, _ = portraits.augmented(Dice(1, 7), 4)
    other, _ = portraits.augmented(Dice(1, 8), 4)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float(first.abs().max()) <= 1
    assert 0 <= float(matte.min()) <= float(matte.max()) <= 1


def test_moved_by_nothing_is_the_identity() -> None:
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    same = moved(x, Dice(0, 0), zoom=(1, 1), turn=0, shift=0, mirror=0)
    torch.testing.assert_close(same, x, rtol=0, atol=1e-5)
    mirrored = moved(x, Dice(0, 0), zoom=(1, 1), turn=0, shift=0, mirror=1)
    torch.testing.assert_close(mirrored, x.flip(-1), rtol=0, atol=1e-5)


def test_a_ghost_needs_a_person() -> None:
    rgb = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(with_ghost(rgb, torch.zeros(2, 1, 16, 16), Dice(0, 0), chance=1), rgb)


def test_a_neighbour_stands_at_a_border_and_needs_a_person() -> None:
    plates, person = torch.zeros(40, 3, 32, 32), torch.ones(40, 3, 32, 32)
    everywhere, nowhere = torch.ones(40, 1, 32, 32), torch.zeros(40, 1, 32, 32)
    assert torch.equal(with_neighbour(plates, person, nowhere, Dice(0, 0), chance=1), plates)
    assert torch.equal(with_neighbour(plates, person, everywhere, Dice(0, 0), chance=0), plates)
    covered = with_neighbour(plates, person, everywhere, Dice(0, 0), chance=1)[:, 0].amax(dim=1) > 0.5
    assert (covered[:, 0] ^ covered[:, -1]).float().mean() > 0.6  # one border is reached, the other not
    assert not (covered[:, 0] & covered[:, -1]).any()


def test_a_thing_hides_a_part_of_the_picture() -> None:
    rgb, texture = torch.zeros(40, 3, 32, 32), torch.ones(40, 3, 32, 32)
    assert torch.equal(with_things(rgb, texture, Dice(0, 0), chance=0), rgb)
    share = with_things(rgb, texture, Dice(0, 0), chance=1).mean(dim=(1, 2, 3))
    assert (share > 0.002).all() and (share < 0.2).all()


def test_jpeg_changes_little_and_only_where_it_is_asked_for() -> None:
    smooth = torch.linspace(-1, 1, 32).expand(6, 3, 32, 32).contiguous()
    assert torch.equal(compressed(smooth, Dice(0, 0), chance=0), smooth)
    read = compressed(smooth, Dice(0, 0), chance=1)
    assert not torch.equal(read, smooth)
    assert float((read - smooth).abs().mean()) < 0.03
    red = torch.tensor([1.0, -1.0, -1.0])[None, :, None, None].expand(1, 3, 16, 16)
    assert (compressed(red, Dice(0, 0), chance=1)[0, 0] > 0.9).all()  # channels keep their order


def test_doubts_are_grey_and_away_from_the_outline() -> None:
    y, x = np.mgrid[:64, :64]
    soft = np.clip((20 - np.hypot(y - 32, x - 32)) / 2 + 0.5, 0, 1)
    matte = np.rint(255 * soft).astype(np.uint8)
    assert matted_faces.doubts(matte) == 0
    matte[:8, :8] = 100
    assert matted_faces.doubts(matte) == pytest.approx(64 / 64**2)


def test_portraits_of_which_the_teacher_doubts_are_left_out(tmp_path: Path) -> None:
    mattes = np.zeros((3, 64, 64), np.uint8)
    mattes[1, :32, :32] = 120
    np.savez(
        tmp_path / "faces~000.npz",
        rgb=np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((64, 64, 3), np.uint8),
    )
    np.savez(tmp_path / "mattes~000.npz", matte=mattes)
    pictures, _, _ = matted_faces.load(tmp_path)
    assert pictures[:, 0, 0, 0].tolist() == [0, 2]


def test_the_teacher_is_cleaned_of_holes_and_strangers() -> None:
    matte = np.zeros((64, 64), np.float32)
    matte[10:, 20:50] = 1
    matte[20:24, 30:34] = 0.1  # a hole in the person
    matte[2:6, 2:6] = 0.9  # something apart
    clean = teacher.without_holes(matte)
    assert clean[22, 32] == 1
    assert clean[4, 4] == 0
    assert clean[40, 30] == 1
    assert not teacher.without_holes(np.zeros((8, 8), np.float32)).any()


def test_a_decided_matte_keeps_its_side_of_one_half() -> None:
    matte = np.linspace(0, 1, 101, dtype=np.float32)
    decided = teacher.decided(matte)
    assert (np.diff(decided) >= 0).all()
    assert ((decided > 0.5) == (matte > 0.5))[np.abs(matte - 0.5) > 1e-6].all()
    assert decided[0] == 0
    assert decided[-1] == 1


def test_the_teacher_looks_at_new_pictures_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "faces~000.npz", rgb=np.full((3, 16, 16, 3), 200, np.uint8), w=np.zeros((3, 512)))

    def bright(picture: teacher.Picture) -> teacher.Matte:
        return (picture[..., 0] > 100).astype(np.float32)

    assert teacher.run(tmp_path, bright) == 3
    assert teacher.run(tmp_path, bright) == 0
    pictures, mattes, held_out = matted_faces.load(tmp_path)
    assert pictures.shape == (3, 16, 16, 3)
    assert mattes.unique().tolist() == [255]
    assert not held_out.any()


def test_a_folder_without_mattes_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "faces~000.npz", rgb=np.zeros((3, 16, 16, 3), np.uint8))
    with pytest.raises(FileNotFoundError, match=r"unripple\.training\.teacher"):
        matted_faces.load(tmp_path)
    np.savez(tmp_path / "mattes~000.npz", matte=np.zeros((2, 16, 16), np.uint8))
    with pytest.raises(ValueError, match=r"mattes~000\.npz: expected uint8 \(3, 16, 16\)"):
        matted_faces.load(tmp_path)


def test_exported_weights_are_float16_and_finite(tmp_path: Path) -> None:
    parser = Parser(WIDTHS)
    export(parser, tmp_path / "p.safetensors", {"note": "toy"})
    stored = load_file(tmp_path / "p.safetensors")
    assert stored.keys() == parser.state_dict().keys()
    assert stored["segmenter.head.weight"].dtype == torch.float16
    with torch.no_grad():
        parser.segmenter.head.weight.fill_(1e6)
    with pytest.raises(ValueError, match=r"segmenter\.head\.weight is not finite"):
        export(parser, tmp_path / "p.safetensors", {})
