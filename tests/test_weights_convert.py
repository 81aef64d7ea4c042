"""Published layouts become our networks' weights: every reader, on files of the same layout, thin but with all keys."""

from __future__ import annotations

import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from typer.testing import CliRunner

from unripple.cli.app import app
from unripple.networks.arcface import ArcFace
from unripple.networks.stylegan2 import StyleGAN2
from unripple.weights.lite import load_into
from unripple.weights.published import convert as converting
from unripple.weights.published import layouts
from unripple.weights.published.convert import convert, expected
from unripple.weights.published.manifest import WeightsError, checksum, manifest, named
from unripple.weights.roles import LAYOUT_OF, LAYOUTS, ROLE_OF, ROLES, Layout, Role, provenance_file

MANIFESTS = Path(__file__).parent / "fixtures" / "manifests"
State = dict[str, Tensor]

#: What a role's file holds, by the list of the reference implementation's parameters.
LISTS: dict[Role, str] = {
    "generator": "stylegan2_g_ema",
    "hfgi": "hfgi_full",
    "e4e": "e4e_full",
    "psp": "psp_full",
    "parser": "graphonomy",
    "inpainter": "lama_generator",
    "identity": "ir_se50",
}


def thin(state: Mapping[str, Tensor], keep: tuple[str, ...] = ()) -> State:
    """The same keys with at most two values along each dimension, all different."""
    random = torch.Generator().manual_seed(0)
    kept = ("latent_avg", "pose", "smile", "age", *keep)
    thinned = {}
    for key, value in state.items():
        shape = list(value.shape) if key.startswith(kept) else [min(size, 2) for size in value.shape]
        thinned[key] = torch.randn(shape, generator=random)
        if not value.is_floating_point():
            thinned[key] = torch.randint(9, shape, generator=random)
    return thinned


@pytest.fixture(scope="module")
def wide() -> dict[Role, State]:
    return {role: expected(role) for role in ROLES}


@pytest.fixture
def due(wide: dict[Role, State], monkeypatch: pytest.MonkeyPatch) -> Callable[[Role], State]:
    """The thin state of a role, which converters are made to expect."""
    states = {role: thin(state) for role, state in wide.items()}
    monkeypatch.setattr(converting, "expected", states.__getitem__)
    return lambda role: dict(states[role])


def split(state: State) -> tuple[State, Tensor]:
    return {key: value for key, value in state.items() if key != "latent_avg"}, state["latent_avg"]


def inverter(path: Path, state: State) -> None:
    weights, mean = split(state)
    torch.save({"state_dict": weights, "latent_avg": mean, "opts": {"stylegan_size": 1024, "lr": 1e-4}}, path)


def stylegan2(path: Path, state: State) -> None:
    weights, mean = split(state)
    torch.save({"g": {"other": torch.zeros(1)}, "d": {}, "g_ema": weights, "latent_avg": mean}, path)


def bare(path: Path, state: State) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def graphonomy(path: Path, state: State) -> None:
    plain = {key.replace("source_graph", "graph"): value for key, value in state.items()}
    bare(path, {f"module.{key}": value for key, value in plain.items() if not key.endswith("num_batches_tracked")})


@pytest.fixture
def lightning() -> Iterator[dict[str, type]]:
    """Classes of the packages that wrote LaMa's checkpoint, there only while it is written."""
    names = {
        "pytorch_lightning.callbacks.model_checkpoint": ("ModelCheckpoint", object),
        "pytorch_lightning.utilities.parsing": ("AttributeDict", dict),
        "omegaconf.dictconfig": ("DictConfig", object),
    }
    classes: dict[str, type] = {}
    for module, (name, base) in names.items():
        sys.modules[module] = ModuleType(module)
        classes[name] = type(name, (base,), {"__module__": module})
        setattr(sys.modules[module], name, classes[name])
    for module in ("pytorch_lightning", "pytorch_lightning.callbacks", "pytorch_lightning.utilities", "omegaconf"):
        sys.modules[module] = ModuleType(module)
    yield classes
    for module in [name for name in sys.modules if name.partition(".")[0] in ("pytorch_lightning", "omegaconf")]:
        del sys.modules[module]


def lama_checkpoint(path: Path, state: State, classes: dict[str, type]) -> None:
    config = classes["DictConfig"]()
    config.content = {"ngf": 64, "kind": dict, "path": Path("place")}
    scores: Any = defaultdict(dict)
    scores["val"] = {"ssim": np.float64(0.5)}
    others = {"evaluator.scores.weight": torch.zeros(3), "loss_resnet_pl.weight": torch.zeros(2)}
    torch.save(
        {
            "epoch": 39,
            "state_dict": {f"generator.{key}": value for key, value in state.items()} | others,
            "callbacks": {classes["ModelCheckpoint"]: {"best_model_score": torch.tensor(0.5)}},
            "hparams_type": classes["AttributeDict"],
            "hyper_parameters": classes["AttributeDict"](config=config),
            "scores": scores,
        },
        path,
    )


def nested(state: Mapping[str, Tensor]) -> nn.Module:
    """Modules that hold ``state`` under its keys."""

    class Node(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    root = Node()
    for key, value in state.items():
        *modules, name = key.split(".")
        at: nn.Module = root
        for module in modules:
            if module not in at._modules:
                at.add_module(module, Node())
            at = at._modules[module]  # type: ignore[assignment]
        at.register_buffer(name, value)
    return root


def torchscript(path: Path, state: State) -> None:
    named = {f"model.generator.{key}": value for key, value in state.items()}
    torch.jit.save(torch.jit.trace(nested(named), torch.zeros(1)), path)


def test_every_layout_has_a_reader_a_role_and_a_published_file() -> None:
    assert set(layouts.READERS) == set(LAYOUTS) == set(ROLE_OF) == set(LAYOUT_OF.values())
    assert set(ROLE_OF.values()) == set(ROLES)
    files = {weights.file for weights in manifest().values()}
    as_they_are = {"alexnet-owt-7be5be79.pth", named("inception").file}
    assert files == set(LAYOUT_OF) - {"best.ckpt"} | as_they_are


@pytest.mark.parametrize("role", LISTS)
def test_expected_keys_and_shapes_are_those_of_the_reference(role: Role, wide: dict[Role, State]) -> None:
    rows = json.loads((MANIFESTS / f"{LISTS[role]}.json").read_text())
    shapes = {key: tuple(shape) for key, shape, _ in rows}
    if "latent_avg" in wide[role]:
        shapes["latent_avg"] = (512,) if role == "generator" else (18, 512)
    assert {key: tuple(value.shape) for key, value in wide[role].items()} == shapes


PLAIN: dict[Layout, tuple[str, Callable[[Path, State], None]]] = {
    "hfgi": ("ckpt.pt", inverter),
    "e4e": ("e4e_ffhq_encode.pt", inverter),
    "psp": ("psp_ffhq_encode.pt", inverter),
    "stylegan2": ("stylegan2-ffhq-config-f.pt", stylegan2),
    "graphonomy": ("inference.pth", graphonomy),
    "ir-se50": ("model_ir_se50.pth", bare),
    "lama-torchscript": ("big-lama.pt", torchscript),
}


def same(file: Path, state: Mapping[str, Tensor]) -> None:
    converted = load_file(file)
    assert converted.keys() == state.keys()
    for key, value in state.items():
        dropped = file.stem == "parser" and key.endswith("num_batches_tracked")
        assert torch.equal(converted[key], torch.zeros_like(value) if dropped else value), key


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("layout", PLAIN)
def test_converted_weights_are_the_files(layout: Layout, due: Callable[[Role], State], tmp_path: Path) -> None:
    name, write = PLAIN[layout]
    state = due(ROLE_OF[layout])
    write(tmp_path / name, state)
    file = convert(tmp_path / name, tmp_path / "models", layout)
    assert file == tmp_path / "models" / f"{ROLE_OF[layout]}.safetensors"
    same(file, state)
    record = json.loads(provenance_file(tmp_path / "models", ROLE_OF[layout]).read_text())
    made = record["converted"][ROLE_OF[layout]]
    assert record["sha256"] == checksum(file)
    assert made["source"]["sha256"] == checksum(tmp_path / name)
    assert (made["layout"], made["tensors"], made["source"]["published"]) == (layout, len(state), False)


@pytest.mark.parametrize("packed", [False, True], ids=["best.ckpt", "big-lama.zip"])
def test_lamas_generator_is_taken_from_all_that_lightning_saves(
    packed: bool, due: Callable[[Role], State], lightning: dict[str, type], tmp_path: Path
) -> None:
    state, file = due("inpainter"), tmp_path / "best.ckpt"
    lama_checkpoint(file, state, lightning)
    if packed:
        with zipfile.ZipFile(tmp_path / "big-lama.zip", "w") as archive:
            archive.writestr("big-lama/config.yaml", "generator: {}")
            archive.write(file, "big-lama/models/best.ckpt")
        file = tmp_path / "big-lama.zip"
    same(convert(file, tmp_path / "models", "lama-zip" if packed else "lama-checkpoint"), state)


def test_directions_join_in_one_file(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(3)
    vectors = {name: torch.nn.functional.normalize(torch.randn(1, 512, generator=random)) for name in ("pose", "age")}
    torch.save(vectors["age"], tmp_path / "age.pt")
    torch.save(vectors["pose"][None].repeat(1, 18, 1), tmp_path / "pose.pt")
    for name in ("age", "pose"):
        file = convert(tmp_path / f"{name}.pt", tmp_path, "interfacegan")
    same(file, {name: vector[0] for name, vector in vectors.items()})
    record = json.loads(provenance_file(tmp_path, "directions").read_text())
    assert {name: made["source"]["file"] for name, made in record["converted"].items()} == {
        "age": "age.pt",
        "pose": "pose.pt",
    }


@pytest.mark.parametrize(
    ("name", "vector", "message"),
    [
        ("pose", torch.ones(1, 512), "norm 1, found 22.6"),
        ("pose", torch.eye(18, 512), "different ones"),
        ("age", torch.ones(1, 256), r"expected a tensor \(rows, 512\), found \(1, 256\)"),
        ("age", {"w": torch.ones(512)}, "found dict"),
        ("nose", torch.ones(1, 512), "pose.pt, smile.pt, age.pt"),
    ],
)
def test_what_is_no_direction_is_refused(name: str, vector: object, message: str, tmp_path: Path) -> None:
    torch.save(vector, tmp_path / f"{name}.pt")
    with pytest.raises(WeightsError, match=message):
        convert(tmp_path / f"{name}.pt", tmp_path, "interfacegan")


def test_a_missing_mean_code_is_measured(tmp_path: Path) -> None:
    mapping = StyleGAN2(64).style
    state = {f"style.{key}": value for key, value in mapping.state_dict().items()}
    torch.save({"g_ema": state}, tmp_path / "g.pt")
    mean = layouts.read(tmp_path / "g.pt", "stylegan2")["latent_avg"]
    with torch.no_grad():
        codes = mapping(torch.randn(4000, 512, generator=torch.Generator().manual_seed(7)))
    noise = float((codes.var(dim=0) * (1 / 4000 + 1 / layouts.MEAN_SAMPLES)).sum().sqrt())
    assert float((mean - codes.mean(dim=0)).norm()) < 1.5 * noise
    assert torch.equal(mean, layouts.read(tmp_path / "g.pt", "stylegan2")["latent_avg"])


def changed(state: State) -> State:
    keys = list(state)
    state = dict(state)
    del state[keys[0]]
    state["encoder.surprise"] = torch.zeros(1)
    state[keys[3]] = torch.zeros(7, 7)
    return state


def test_missing_unknown_and_misshaped_keys_are_named(due: Callable[[Role], State], tmp_path: Path) -> None:
    keys = list(due("hfgi"))
    inverter(tmp_path / "mine.pt", changed(due("hfgi")))
    with pytest.raises(WeightsError) as refused:
        convert(tmp_path / "mine.pt", tmp_path, "hfgi")
    told = str(refused.value)
    assert f"1 missing: {keys[0]}" in told
    assert "1 unknown: encoder.surprise" in told
    assert f"{keys[3]} (expected float32" in told
    assert "found float32 (7, 7)" in told
    assert not list(tmp_path.glob("*.safetensors"))


def test_values_that_are_not_finite_are_refused(due: Callable[[Role], State], tmp_path: Path) -> None:
    state = due("identity")
    state["input_layer.0.weight"][:] = float("nan")
    bare(tmp_path / "mine.pth", state)
    with pytest.raises(WeightsError, match=r"not finite: input_layer\.0\.weight"):
        convert(tmp_path / "mine.pth", tmp_path, "ir-se50")


def test_half_precision_and_views_become_plain_float32(due: Callable[[Role], State], tmp_path: Path) -> None:
    state = due("identity")
    whole = torch.randn(100, 100)
    odd = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    key = "input_layer.0.weight"
    odd[key] = whole[:2, :2].T[..., None, None].expand(odd[key].shape)
    torch.save(odd, tmp_path / "mine.pth")
    converted = load_file(convert(tmp_path / "mine.pth", tmp_path, "ir-se50"))
    assert {str(value.dtype) for value in converted.values()} == {"torch.float32", "torch.int64"}
    assert torch.equal(converted[key], odd[key])


def test_a_published_name_is_held_to_the_published_checksum(due: Callable[[Role], State], tmp_path: Path) -> None:
    bare(tmp_path / "model_ir_se50.pth", due("identity"))
    result = CliRunner().invoke(
        app, ["weights", "convert", str(tmp_path / "model_ir_se50.pth"), "--models", str(tmp_path)]
    )
    assert result.exit_code == 1
    assert "expected 175367323 bytes, found" in result.output
    assert not list(tmp_path.glob("*.safetensors"))


def test_without_a_public_checksum_only_what_could_be_read_is_trusted(
    due: Callable[[Role], State], tmp_path: Path
) -> None:
    path, lock = tmp_path / "ckpt.pt", tmp_path / "weights.lock.json"
    inverter(path, changed(due("hfgi")))
    with pytest.raises(WeightsError, match="missing"):
        convert(path, tmp_path)
    assert not lock.exists()
    inverter(path, due("hfgi"))
    convert(path, tmp_path)
    assert json.loads(lock.read_text()) == {"ckpt.pt": checksum(path)}
    inverter(path, {**due("hfgi"), "latent_avg": torch.ones(18, 512)})
    with pytest.raises(WeightsError, match="expected sha256"):
        convert(path, tmp_path)


def test_the_command_line_converts_and_says_where(tmp_path: Path) -> None:
    """Full size, into our network."""
    state = {key: torch.ones(value.shape, dtype=value.dtype) for key, value in expected("identity").items()}
    torch.save(state, tmp_path / "mine.pth")
    result = CliRunner().invoke(
        app, ["weights", "convert", str(tmp_path / "mine.pth"), "--as", "ir-se50", "--models", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert "identity.safetensors: converted from" in result.output
    assert all(value.eq(1).all() for value in load_into(ArcFace(), tmp_path / "identity.safetensors").parameters())


def test_an_unknown_name_asks_for_its_layout(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["weights", "convert", str(tmp_path / "some.pt"), "--models", str(tmp_path)])
    assert result.exit_code == 1
    assert "--as hfgi | e4e" in result.output
