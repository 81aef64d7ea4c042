"""Photos in batches: order, refusals, failures of the network, and memory that runs out."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from unripple.files.data import write_json
from unripple.jobs import batches
from unripple.jobs.batches import process
from unripple.jobs.index import IndexWriter, PhotoFiles, read
from unripple.photos.decoding import PhotoRefused

CPU = torch.device("cpu")
NAMES = [f"{number:02d}" for number in range(11)]


def load(photo: str) -> tuple[Tensor, ...]:
    return torch.full((2, 3), float(photo)), torch.tensor(1.0)


def double(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
    assert x.shape == (len(one), 2, 3)
    return 2 * x, [len(x)] * len(x)


def save(files: PhotoFiles, twice: Tensor, batch: int) -> None:
    write_json(files.path(".json"), {"value": float(twice[0, 0]), "batch": batch})


def run(
    folder: Path,
    make: Callable[..., tuple[object, ...]] = double,
    load: batches.Load = load,
    save: batches.Save = save,
    batch: int | None = None,
) -> tuple[dict[str, float], dict[str, str], batches.Progress]:
    """What was written for each photo, what was refused, and the progress at the end."""
    writer = IndexWriter(folder / "index.json")
    progress = process(NAMES, load, make, save, writer, CPU, batch)
    writer.write()
    made = read(folder / "index.json")
    made.verify()
    values = {photo: json.loads(made.path(photo, ".json").read_text())["value"] for photo in made}
    return values, made.failed, progress


@pytest.mark.parametrize("batch", [None, 1, 3, 11, 40])
def test_every_photo_gets_its_own(tmp_path: Path, batch: int | None) -> None:
    values, failed, progress = run(tmp_path, batch=batch)
    assert values == {name: 2 * float(name) for name in NAMES}
    assert not failed
    assert progress.done == progress.photos == 11


def test_batches_are_as_large_as_asked_for(tmp_path: Path) -> None:
    seen: list[int] = []

    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        seen.append(len(x))
        return double(x, one)

    run(tmp_path, make, batch=4)
    assert seen == [4, 4, 3]


def test_refused_photos_are_recorded_and_the_others_made(tmp_path: Path) -> None:
    def picky(photo: str) -> tuple[Tensor, ...]:
        if photo == "03":
            raise PhotoRefused("no face found")
        return load(photo)

    def picky_save(files: PhotoFiles, twice: Tensor, batch: int) -> None:
        if twice[0, 0] == 14:
            raise PhotoRefused("too long a name")
        save(files, twice, batch)

    values, failed, _ = run(tmp_path, load=picky, save=picky_save, batch=4)
    assert failed == {"03": "no face found", "07": "too long a name"}
    assert sorted(values) == [name for name in NAMES if name not in failed]


def test_a_photo_on_which_the_network_fails_is_put_aside(tmp_path: Path) -> None:
    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        if (x == 5).any():
            raise RuntimeError("singular matrix")
        return double(x, one)

    values, failed, _ = run(tmp_path, make, batch=4)
    assert failed == {"05": "the network failed on it: singular matrix"}
    assert values == {name: 2 * float(name) for name in NAMES if name != "05"}


def test_a_network_that_fails_on_all_is_no_photos_fault(tmp_path: Path) -> None:
    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match=r"all photos: mat1 and mat2"):
        run(tmp_path, make, batch=4)


def test_out_of_memory_halves_the_batch_and_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[int] = []

    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        seen.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return double(x, one)

    values, failed, progress = run(tmp_path, make, batch=8)
    assert values == {name: 2 * float(name) for name in NAMES} and not failed
    assert seen == [8, 4, 2, 2, 4, 2, 2, 2, 1]
    assert progress.batch == 2
    assert "batches of 2 from here on" in capsys.readouterr().out


def test_halves_do_not_share_the_memory_with_the_batch_that_failed(tmp_path: Path) -> None:
    allocated: list[weakref.ref[Tensor]] = []

    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        assert all(tensor() is None for tensor in allocated)
        activations = x + 1
        if len(x) > 2:
            allocated.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return double(x, one)

    values, _, _ = run(tmp_path, make, batch=8)
    assert len(values) == len(NAMES) and len(allocated) > 1


def test_a_lost_device_fails_the_job_and_no_photo(tmp_path: Path) -> None:
    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        if (x == 5).any():
            raise RuntimeError("CUDA error: unspecified launch failure")
        return double(x, one)

    with pytest.raises(RuntimeError, match="launch failure"):
        run(tmp_path, make, batch=1)
    assert not (tmp_path / "index.json").exists()


def test_a_photo_that_does_not_fit_alone_is_named(tmp_path: Path) -> None:
    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        if (x == 5).any():
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return double(x, one)

    with pytest.raises(batches.OutOfMemory, match=r"^05: does not fit into memory even alone"):
        run(tmp_path, make, batch=4)


def test_damage_to_what_an_earlier_stage_made_is_no_refusal(tmp_path: Path) -> None:
    def broken(photo: str) -> tuple[Tensor, ...]:
        raise OSError("truncated")

    with pytest.raises(OSError, match="truncated"):
        run(tmp_path, load=broken)


def test_reading_runs_ahead_and_is_bounded(tmp_path: Path) -> None:
    loaded: list[str] = []
    lock = threading.Lock()

    def counted(photo: str) -> tuple[Tensor, ...]:
        with lock:
            loaded.append(photo)
        return load(photo)

    ahead: list[int] = []

    def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        ahead.append(len(loaded) - int(x.max()) - 1)
        return double(x, one)

    run(tmp_path, make, load=counted, batch=1)
    assert max(ahead) <= 2 + batches.READERS


def test_photos_of_a_killed_job_are_not_made_twice(tmp_path: Path) -> None:
    made: list[int] = []

    def killed(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
        made.extend(x[:, 0, 0].int().tolist())
        if len(made) == 5:
            raise KeyboardInterrupt
        return double(x, one)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, killed)
    values, failed, progress = run(tmp_path, killed)
    assert values == {name: 2 * float(name) for name in NAMES} and not failed
    assert sorted(made) == sorted([4, *range(len(NAMES))])  # the one at which it was killed, twice
    assert progress.done == progress.photos == len(NAMES) - 4


def test_photos_that_fail_alone_after_a_kill_are_put_aside(tmp_path: Path) -> None:
    """All that is left may fail: it is not the networks' fault, for they made the others."""

    def run_until(last: int) -> None:
        def make(x: Tensor, one: Tensor) -> tuple[Tensor, list[int]]:
            if float(x[0, 0, 0]) > 8:
                raise RuntimeError("too far") if last > 8 else KeyboardInterrupt
            return double(x, one)

        run(tmp_path, make)

    with pytest.raises(KeyboardInterrupt):
        run_until(8)
    run_until(10)
    assert sorted(read(tmp_path / "index.json").failed) == ["09", "10"]
