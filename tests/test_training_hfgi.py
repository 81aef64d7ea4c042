"""A few steps of the published consultation training on tiny networks, in one process and in two."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from typer import Typer
from typer.testing import CliRunner

from unripple.files.pictures import write_rgb
from unripple.files.tensors import write_tensors
from unripple.models.devices import computes_in_bfloat16
from unripple.models.published import load
from unripple.networks.stylegan2 import StyleGAN2
from unripple.parity.fill import fill_net, make_image
from unripple.training import hfgi, runner
from unripple.training.consultation import Consultation, warp
from unripple.training.hfgi import Frozen, Recipe, Trainer, perspectives
from unripple.training.hfgi_turns import Task, Turning, drawn
from unripple.training.photos import Draw, Draws, Photos
from unripple.weights import lpips_alex
from unripple.weights.lpips_alex import LAYERS, load_lpips_alex
from unripple.weights.own import own_file
from unripple.weights.published.convert import NETWORKS, expected, matched
from unripple.weights.published.manifest import Weights, WeightsError, named
from unripple.weights.roles import LATENT_AVG, converted_file, provenance_file

pytestmark = pytest.mark.apart
WITH_BFLOAT16 = pytest.mark.skipif(not computes_in_bfloat16(torch.device("cpu")), reason="takes minutes on this CPU")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures in folders, as FFHQ has them."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(3):
        write_rgb(folder / f"{number // 2:05d}" / f"{number:05d}.png", make_image(f"photo{number}", 300, 300))
    return folder


class TinyEncoder(nn.Module):
    """Colours of 16 cells -> a code in each row."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self.linear = nn.Linear(48, 512)

    def forward(self, rgb: Tensor) -> Tensor:
        code: Tensor = self.linear(nn.functional.adaptive_avg_pool2d(rgb, 4).flatten(1))
        return code[:, None].expand(-1, self.rows, -1)


class TinyDistance(nn.Module):
    """Stands for LPIPS: distances of the pictures at a fourth of their size."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(a - b, 4).square().mean(dim=(1, 2, 3), keepdim=True)


class TinyIdentity(nn.Module):
    """Stands for ArcFace."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 14**2, 8)

    def forward(self, rgb: Tensor) -> Tensor:
        return nn.functional.normalize(self.linear(nn.functional.adaptive_avg_pool2d(rgb, 14).flatten(1)))


def tiny() -> Frozen:
    torch.manual_seed(3)
    generator = StyleGAN2(64)
    fill_net("hfgi_generator", generator.state_dict())
    rows = generator.rows
    return Frozen(generator, TinyEncoder(rows), torch.zeros(rows, 512), TinyDistance(), TinyIdentity())


class TinyParser(nn.Module):
    """Finds the person in a share of the picture, from the left on."""

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.share = share

    def forward(self, rgb: Tensor) -> Tensor:
        matte = torch.zeros_like(rgb[:, :1])
        matte[..., : round(self.share * rgb.shape[-1])] = 1
        return matte


def turning(person: float = 0.5) -> Turning:
    noise = torch.Generator().manual_seed(7)
    return Turning(nn.functional.normalize(torch.randn(512, generator=noise), dim=0), TinyParser(person))


def trainer(fabric: Fabric | None = None, start: Consultation | None = None, **changes: Any) -> Trainer:
    fabric = fabric or Fabric(accelerator="cpu", devices=1, precision="32-true")
    recipe = Recipe(**({"steps": 3, "batch": 1} | changes))
    turns = turning() if recipe.misalign == "pose" else None
    return Trainer(tiny(), recipe, fabric, width=8, turning=turns, start=start)


def weights(of: Trainer) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in of.plain.state_dict().items()}


def test_the_defaults_are_those_of_hfgi() -> None:
    recipe = Recipe()
    assert (recipe.batch, recipe.steps, recipe.lr) == (8, 100_000, 1e-4)
    assert (recipe.lambda_l2, recipe.lambda_lpips, recipe.lambda_identity, recipe.lambda_align) == (1.0, 0.8, 0.1, 0.1)


def test_training_lowers_the_loss_and_changes_nothing_that_is_frozen(photos: Path) -> None:
    run = trainer(lr=0.3, moved=0.0)  # RAdam's first steps are plain gradient descent
    before = {key: value.clone() for key, value in run.frozen.generator.state_dict().items()}
    seen = Photos(photos)[Draw(0, False)][None]
    first = run.losses(seen, torch.Generator().manual_seed(5))
    assert run.run(Photos(photos)) == 3
    last = run.losses(seen, torch.Generator().manual_seed(5))
    assert float(last["l2"].detach()) < float(first["l2"].detach())
    assert float(last["align"].detach()) < 0.6 * float(first["align"].detach())
    assert all(torch.equal(value, before[key]) for key, value in run.frozen.generator.state_dict().items())
    assert all(parameter.grad is None for parameter in run.frozen.generator.parameters())


@pytest.mark.parametrize("misalign", ["perspective", "pose"])
def test_a_resumed_run_equals_an_unbroken_one(photos: Path, tmp_path: Path, misalign: str) -> None:
    """It is stopped in its third step, of photos; with true turns the second is of those."""
    unbroken, stopped, resumed = (trainer(misalign=misalign) for _ in range(3))
    unbroken.run(Photos(photos))
    file = tmp_path / "stopped.ckpt"
    losses, calls = stopped.losses, itertools.count()

    def mortal(photo: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        if next(calls) == (2 if misalign == "perspective" else 1):
            raise KeyboardInterrupt
        return losses(photo, random)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "SAVE_EVERY", 0.0)  # a checkpoint after every step
        patch.setattr(stopped, "losses", mortal)
        stopped.run(Photos(photos), file)
    assert resumed.run(Photos(photos), file, workers=1) == 3
    start = weights(trainer())
    for key, value in weights(unbroken).items():
        assert torch.equal(weights(resumed)[key], value), key
    for key in ("grid_align.conv_layer1.0.weight", "residue.condition_scale3.2.weight"):
        assert not torch.equal(start[key], weights(unbroken)[key]), f"{key} was not trained"


def turn_task(person: float, degree: float) -> Task:
    frozen, draw = tiny(), drawn(0, 1, 2, slice(0, 2))
    draw = draw._replace(degree=torch.full_like(draw.degree, degree))
    return turning(person).task(draw, frozen.generator, frozen.encoder.eval(), frozen.latent_avg)


def test_a_turn_by_nothing_asks_for_the_distortion_map_itself() -> None:
    task = turn_task(person=1, degree=0)
    torch.testing.assert_close(task.target, task.misaligned, atol=1e-5, rtol=0)
    torch.testing.assert_close(task.edited + task.target, task.wanted, atol=1e-5, rtol=0)
    turned = turn_task(person=1, degree=4)
    torch.testing.assert_close(turned.misaligned, task.misaligned, atol=1e-5, rtol=0)
    torch.testing.assert_close(turned.edited + turned.target, turned.wanted, atol=1e-5, rtol=0)
    assert not torch.allclose(turned.target, task.target, atol=1e-2)


def test_what_a_true_turn_shows_beside_the_person_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of the generator nor of ADA: the terms are those of any true edit with this person."""
    run, task = trainer(misalign="pose"), turn_task(person=0.5, degree=4)
    assert run.turning is not None
    monkeypatch.setattr(Turning, "task", lambda *_: task)

    def terms() -> dict[str, float]:
        return {name: float(term.detach()) for name, term in run.turned_losses(1, slice(0, 1)).items()}

    first = terms()
    assert min(first.values()) > 1e-4, first
    other = task.wanted.clone()
    other[..., 128:] = -1
    task = task._replace(wanted=other)
    for name in ("l2", "align"):
        assert terms()[name] == pytest.approx(first[name], rel=1e-5), name
    other[..., :128] = -1
    assert terms()["l2"] != pytest.approx(first["l2"], rel=1e-2)


def test_turns_of_a_step_do_not_depend_on_the_number_of_processes() -> None:
    whole = drawn(1, 7, 4, slice(0, 4))
    parts = [drawn(1, 7, 4, slice(2 * rank, 2 * rank + 2)) for rank in range(2)]
    for one, other, both in zip(*parts, whole, strict=True):
        assert torch.equal(torch.cat((one, other)), both)
    assert not torch.equal(drawn(1, 8, 4, slice(0, 4)).z, whole.z)
    assert 0.7 <= float(whole.truncation.min()) < float(whole.truncation.max()) <= 1
    assert -4 <= float(whole.degree.min()) < 0 < float(whole.degree.max()) <= 4


def test_every_second_step_is_of_true_turns(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    run = trainer(misalign="pose", steps=4, lr=0.0)

    def watched(kind: str, terms: Callable[..., dict[str, Tensor]], *given: Any) -> dict[str, Tensor]:
        seen.append(kind)
        return terms(*given)

    for kind in ("losses", "turned_losses"):
        monkeypatch.setattr(run, kind, partial(watched, kind, getattr(run, kind)))
    run.run(Photos(photos))
    assert seen == ["losses", "turned_losses"] * 2
    with pytest.raises(ValueError, match="misalign = perspective: turning is for pose"):
        Trainer(tiny(), Recipe(), run.fabric, turning=turning())


def test_an_ec_that_is_there_stays_while_ada_learns(photos: Path) -> None:
    torch.manual_seed(5)
    start = Consultation(8)
    before = {key: value.clone() for key, value in start.state_dict().items()}
    run = trainer(start=start, misalign="pose", lr=0.3)
    assert all(torch.equal(value, before[key]) for key, value in weights(run).items())
    run.run(Photos(photos))
    after = weights(run)
    assert all(torch.equal(after[key], value) for key, value in before.items() if key.startswith("residue."))
    key = "grid_align.dconv_layer3.0.shortcut_layer.0.weight"
    assert not torch.equal(after[key], before[key])


def test_a_checkpoint_of_another_training_is_refused(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "first.ckpt"
    assert trainer(steps=1).run(Photos(photos), file) == 1
    with pytest.raises(
        ValueError,
        match=r"first\.ckpt: expected a training with lr 0\.5, seed 1, found one with lr 0\.0001, seed 0; give the",
    ):
        trainer(steps=1, lr=0.5, seed=1).run(Photos(photos), file)
    fewer = Photos(photos)
    fewer.files.pop()
    with pytest.raises(ValueError, match=r"with photos 2, found one with photos 3; .* or another --checkpoint"):
        trainer(steps=1).run(fewer, file)
    torch.save({key: value for key, value in torch.load(file).items() if key != "settings"}, file)
    with pytest.raises(ValueError, match=r"first\.ckpt: expected a checkpoint of this training"):
        trainer(steps=1).run(Photos(photos), file)


def test_perspectives_do_not_depend_on_the_number_of_processes() -> None:
    maps = torch.rand(4, 3, 32, 32)
    whole = warp(maps, 0.5, perspectives(1, 7, 0))
    parts = [warp(maps[rank * 2 :][:2], 0.5, perspectives(1, 7, rank * 2)) for rank in range(2)]
    assert torch.equal(torch.cat(parts), whole)
    assert not torch.equal(warp(maps, 0.5, perspectives(1, 8, 0)), whole)


@WITH_BFLOAT16
def test_mixed_precision_is_near(photos: Path) -> None:
    seen = Photos(photos)[Draw(0, False)][None]
    exact, mixed = (
        trainer(Fabric(accelerator="cpu", devices=1, precision=precision), misalign="pose")
        for precision in ("32-true", "bf16-mixed")
    )

    def terms(of: Trainer) -> list[tuple[str, Tensor]]:
        photo, turned = of.losses(seen, torch.Generator().manual_seed(1)), of.turned_losses(1, slice(0, 1))
        return [*photo.items(), *turned.items()]

    for (name, term), (_, found) in zip(terms(exact), terms(mixed), strict=True):
        assert found.dtype == torch.float32
        assert float(found.detach()) == pytest.approx(float(term.detach()), rel=0.1, abs=0.01), name


@WITH_BFLOAT16
def test_mixed_precision_moves_the_maps_to_the_same_places(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Photos(photos)[Draw(0, False)][None]
    monkeypatch.setattr(hfgi, "to_256", lambda _: torch.zeros(1, 3, 256, 256))  # the same low-rate inversion
    moved: list[Tensor] = []

    def watched(*arguments: Any) -> Tensor:
        moved.append(warp(*arguments))
        return moved[-1]

    monkeypatch.setattr(hfgi, "warp", watched)
    for precision in ("32-true", "bf16-mixed"):
        of = trainer(Fabric(accelerator="cpu", devices=1, precision=precision), moved=1.0)
        of.losses(seen, torch.Generator().manual_seed(1))
    exact, mixed = moved
    assert mixed.dtype == torch.float32 and torch.equal(exact, mixed)
    assert not torch.equal(exact, seen)


def two_processes(fabric: Fabric, photos: Path, file: Path) -> tuple[bool, bool, int]:
    """Whether the processes end with the same weights and saw other photos; runs in each of them."""
    torch.set_num_threads(1)
    of = trainer(fabric, steps=2, batch=2)
    looked: list[Tensor] = []
    losses = of.losses

    def watched(photo: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        looked.append(photo)
        return losses(photo, random)

    of.losses = watched  # type: ignore[method-assign]
    steps = of.run(Photos(photos), file)
    # Running statistics are the first process's at the next step, and in the checkpoint.
    ended = torch.cat([parameter.detach().flatten() for parameter in of.plain.parameters()])
    mine, seen = fabric.all_gather(ended), fabric.all_gather(torch.stack(looked))
    return bool(torch.equal(mine[0], mine[1])), bool(torch.equal(seen[0], seen[1])), steps


def test_two_processes_share_a_batch_and_keep_equal_weights(photos: Path, tmp_path: Path) -> None:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp_spawn", precision="32-true")
    file = tmp_path / "both.ckpt"
    assert fabric.launch(two_processes, photos, file) == (True, False, 2)  # type: ignore[arg-type]
    resumed = trainer(steps=2, batch=2)
    assert resumed.run(Photos(photos), file) == 2  # nothing left to do
    key = "grid_align.conv_layer1.0.weight"
    assert not torch.equal(weights(resumed)[key], weights(trainer())[key])


def test_draws_are_epochs_and_begin_anywhere() -> None:
    whole = list(Draws(5, 2, 5, seed=1))
    assert sorted(draw.photo for draws in whole for draw in draws) == sorted([*range(5), *range(5)])
    assert list(Draws(5, 2, 5, seed=1, first=3)) == whole[3:]
    assert list(Draws(5, 2, 5, seed=2)) != whole
    parts = [list(Draws(5, 2, 5, seed=1, rank=rank, world=2)) for rank in range(2)]
    assert [[*one, *other] for one, other in zip(*parts, strict=True)] == whole
    mirrored = [draw.mirrored for draws in Draws(100, 10, 100, seed=0) for draw in draws]
    assert 0.45 < np.mean(mirrored) < 0.55
    with pytest.raises(ValueError, match="multiple of the 3 processes, found 8"):
        Draws(5, 8, 1, seed=0, world=3)


def test_hidden_files_are_no_photos(tmp_path: Path) -> None:
    for name in ("a/b.png", "a/._b.png", ".cache/b.png", "__MACOSX/b.png", "a/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert Photos(tmp_path).files == [tmp_path / "a/b.png"]


def test_photos_are_read_at_any_depth_and_mirrored(photos: Path) -> None:
    folder = Photos(photos)
    assert [file.name for file in folder.files] == ["00000.png", "00001.png", "00002.png"]
    plain, mirrored = folder[Draw(1, False)], folder[Draw(1, True)]
    assert plain.shape == (3, 256, 256) and -1 <= float(plain.min()) < float(plain.max()) <= 1
    assert torch.equal(plain, mirrored.flip(-1))


def test_a_photo_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png: .* take it out"):
        Photos(tmp_path)[Draw(0, False)]
    with pytest.raises(FileNotFoundError, match="expected photos"):
        Photos(tmp_path / "none")


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Weights]]:
    """Random weights in AlexNet's layout, and a manifest's line that accepts them."""
    from torchvision.models import alexnet as build

    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(0)
    trunk = named("alexnet")
    file = trunk.path(folder)
    file.parent.mkdir()
    torch.save(build(weights=None).state_dict(), file)
    yield folder, replace(trunk, sha256=(hashlib.sha256(file.read_bytes()).hexdigest(),))
    shutil.rmtree(folder)  # gigabytes that pytest would keep


def test_lpips_reads_its_trunk_from_a_file(alexnet: tuple[Path, Weights]) -> None:
    folder, trunk = alexnet
    lpips = load_lpips_alex(folder, trunk)
    state = torch.load(trunk.path(folder), weights_only=True)
    for piece, layer in LAYERS.items():
        assert torch.equal(lpips.net.get_parameter(f"slice{piece}.{layer}.weight"), state[f"features.{layer}.weight"])
    a, b = torch.rand(2, 1, 3, 64, 64) * 2 - 1
    assert float(lpips(a, a).detach()) == 0 < float(lpips(a, b).detach())
    assert all(float(head.model[-1].weight.min()) >= 0 for head in lpips.lins)  # the library's own heads, trained
    assert not any(parameter.requires_grad for parameter in lpips.parameters())


def test_another_trunk_is_refused_and_a_missing_one_said_where_to_put(
    alexnet: tuple[Path, Weights], tmp_path: Path
) -> None:
    folder, trunk = alexnet
    with pytest.raises(WeightsError, match=r"expected sha256 7be5be79, found sha256"):
        load_lpips_alex(folder)
    with pytest.raises(WeightsError, match=r"alexnet-owt-7be5be79\.pth: missing; run `unripple weights fetch alexnet`"):
        load_lpips_alex(tmp_path)
    other = tmp_path / "originals" / trunk.file
    other.parent.mkdir()
    torch.save({"layer.weight": torch.zeros(1)}, other)
    with pytest.raises(WeightsError, match=r"not the weights of torchvision's AlexNet"):
        load_lpips_alex(tmp_path, replace(trunk, sha256=(hashlib.sha256(other.read_bytes()).hexdigest(),)))


def test_the_command_says_what_is_missing(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Typer()
    app.command()(hfgi.main)
    run: Callable[..., Any] = CliRunner().invoke
    arguments = ["--checkpoint", str(tmp_path / "c"), "--models", str(tmp_path), "--accelerator", "cpu"]
    done = run(app, ["--photos", str(tmp_path / "none"), *arguments])
    assert done.exit_code == 1 and "expected photos" in done.output
    done = run(app, ["--photos", str(photos), *arguments])
    assert done.exit_code == 1 and "e4e.safetensors: no such file" in done.output
    monkeypatch.setattr(Frozen, "published", lambda _: tiny())
    for wrong, said in (
        (["--misalign", "pose"], "directions.safetensors: no such file"),
        (["--start", str(tmp_path / "hfgi.safetensors")], "hfgi.safetensors: no such file"),
    ):
        done = run(app, ["--photos", str(photos), *arguments, *wrong])
        assert done.exit_code == 1 and said in done.output
    save_file({"pose": torch.ones(512)}, tmp_path / "directions.safetensors")
    done = run(app, ["--photos", str(photos), *arguments, "--misalign", "pose", "--lite", str(tmp_path)])
    assert done.exit_code == 1 and "parser.safetensors: model file not found" in done.output


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_photo_ends_the_command_with_one_line(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    monkeypatch.setattr(Frozen, "published", lambda _: tiny())
    app = Typer()
    app.command()(hfgi.main)
    arguments = ["--photos", tmp_path, "--checkpoint", tmp_path / "c", "--workers", workers, "--batch", 1]
    arguments += ["--accelerator", "cpu", "--precision", "32-true"]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 1
    assert "Traceback" not in done.output and "Caught" not in done.output
    assert done.output.strip().splitlines()[-1].startswith(f"{tmp_path / 'broken.png'}: ")


def test_what_true_turns_taught_is_the_network_of_the_row(photos: Path, tmp_path: Path) -> None:
    """Beside HFGI's file, whose ADA is the same."""
    recipe, (models, out) = Recipe(misalign="pose"), (tmp_path / name for name in ("published", "own"))
    write_tensors(converted_file(models, "e4e"), {"encoder.a": torch.ones(1)}, {})
    module = Consultation(8)
    written = load_file(hfgi.write(module, models, out, 2, recipe, 3))
    row = load(out, "cpu")._ada_pose.state_dict()
    assert all(torch.equal(written[f"grid_align.{key}"], value) for key, value in row.items())
    assert {"encoder.a", "residue.condition_scale3.2.weight"} < written.keys()
    hfgi.write(module, models, tmp_path / "other", 2, Recipe(), 3)
    assert not own_file(tmp_path / "other", "ada_pose").exists()


@pytest.mark.long
def test_a_step_at_1024_ends_in_weights_of_the_published_set(
    photos: Path, alexnet: tuple[Path, Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, trunk = alexnet
    monkeypatch.setattr(lpips_alex, "named", lambda _: trunk)
    torch.manual_seed(0)
    start = {**NETWORKS["e4e"]().state_dict(), LATENT_AVG: torch.randn(18, 512)}
    write_tensors(converted_file(models, "e4e"), start, {})
    write_tensors(converted_file(models, "identity"), NETWORKS["identity"]().state_dict(), {})
    app, out = Typer(), models / "own"
    app.command()(hfgi.main)
    arguments = ["--photos", photos, "--models", models, "--out", out, "--checkpoint", models / "c", "--steps", 1]
    arguments += ["--batch", 1, "--workers", 0, "--accelerator", "cpu", "--precision", "32-true"]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    file = converted_file(out, "hfgi")
    trained = matched(load_file(file), expected("hfgi"), file)
    assert all(torch.equal(trained[key], value) for key, value in start.items())
    untrained, key = dict(trainer().plain.named_parameters()), "grid_align.conv_layer1.0.weight"
    assert not torch.equal(trained[key], untrained[key])
    head = "residue.condition_scale3.2.weight"
    assert not untrained[head].any() and trained[head].any()
    record = json.loads(provenance_file(out, "hfgi").read_text())
    assert record["trained"]["steps"] == 1 and record["trained"]["recipe"]["batch"] == 1
