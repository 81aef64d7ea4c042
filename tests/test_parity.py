"""Our networks give the numbers that the reference implementations gave, and the command that proves it can fail."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from torch import nn
from typer.testing import CliRunner

from unripple.parity import proof
from unripple.parity.fill import PREFIX, fill_net
from unripple.parity.fixtures import Case, cases
from unripple.parity.outputs import BUILDERS, RUNNERS

FIXTURES = Path(__file__).parent / "fixtures"
MANIFESTS = FIXTURES / "manifests"
CHEAP = "hfgi_residue"


@pytest.mark.parametrize("case", cases(FIXTURES), ids=lambda case: case.name)
def test_case_has_the_references_numbers(case: Case) -> None:
    result = proof.run(case)
    assert result.passed, result.line()


def test_every_network_has_a_fixture() -> None:
    assert {case.net for case in cases(FIXTURES)} == set(BUILDERS) == set(RUNNERS) == set(PREFIX)


def rows(module: nn.Module, prefix: str = "") -> dict[str, list[int]]:
    return {prefix + key: list(tensor.shape) for key, tensor in module.state_dict().items()}


@pytest.mark.parametrize(
    ("manifest", "parts"),
    [
        ("hfgi_full", {"": ("hfgi", 1024)}),
        ("hfgi_encoder", {"": ("hfgi_encoder", 1024)}),
        ("hfgi_residue", {"": ("hfgi_residue", 1024)}),
        ("hfgi_grid_align", {"": ("hfgi_grid_align", 1024)}),
        ("hfgi_generator_1024", {"": ("hfgi_generator", 1024)}),
        ("hfgi_generator_256", {"": ("hfgi_generator", 256)}),
        ("stylegan2_g_ema", {"": ("hfgi_generator", 1024)}),
        ("e4e_full", {"encoder.": ("hfgi_encoder", 1024), "decoder.": ("hfgi_generator", 1024)}),
        ("psp_full", {"encoder.": ("psp_encoder", 1024), "decoder.": ("hfgi_generator", 1024)}),
        ("psp_encoder", {"": ("psp_encoder", 1024)}),
        ("ir_se50", {"": ("ir_se50", 1024)}),
        ("graphonomy", {"": ("graphonomy", 1024)}),
        ("lama_generator", {"": ("lama", 1024)}),
        ("lama_checkpoint", {"generator.": ("lama", 1024)}),
    ],
)
def test_parameters_are_those_of_the_published_checkpoint(manifest: str, parts: dict[str, tuple[str, int]]) -> None:
    expected = {key: shape for key, shape, _ in json.loads((MANIFESTS / f"{manifest}.json").read_text())}
    found: dict[str, list[int]] = {}
    with torch.device("meta"):
        for prefix, (net, size) in parts.items():
            found |= rows(BUILDERS[net](size), prefix)
    assert found == expected


@pytest.mark.parametrize("net", ["hfgi_generator", "hfgi_residue", "hfgi_grid_align", "graphonomy", "lama"])
def test_weights_are_filled_as_when_the_fixtures_were_recorded(net: str) -> None:
    expected = json.loads((MANIFESTS / "fill_checksums.json").read_text())[net]
    state = BUILDERS[net](1024).state_dict()
    fill_net(net, state)
    floats = [tensor.double() for tensor in state.values() if tensor.is_floating_point()]
    assert sum(tensor.numel() for tensor in floats) == expected["float_elements"]
    assert sum(float(tensor.sum()) for tensor in floats) == pytest.approx(expected["sum"], rel=1e-6)
    for key, values in expected["first_values"].items():
        assert state[key].flatten()[: len(values)].tolist() == values


def run_command(folder: Path) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(proof.main)
    result = CliRunner().invoke(app, ["--fixtures", str(folder)])
    return result.exit_code, result.output


def copy(folder: Path, **changed: object) -> Path:
    """The cheapest fixture in a folder of its own, with some arrays changed."""
    with np.load(FIXTURES / f"{CHEAP}.npz") as fixture:
        arrays = {key: fixture[key] for key in fixture.files} | {key: np.asarray(v) for key, v in changed.items()}
    np.savez(folder / "case.npz", allow_pickle=False, **arrays)
    return folder


def recorded(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with np.load(FIXTURES / f"{CHEAP}.npz") as fixture:
        array: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = fixture[name]
    return array


def test_command_passes_on_any_folder(tmp_path: Path) -> None:
    status, printed = run_command(copy(tmp_path))
    assert status == 0
    assert printed.startswith("case ")
    assert printed.rstrip().endswith("pass")


def test_one_wrong_value_fails(tmp_path: Path) -> None:
    wrong = recorded("shift").copy()
    wrong[0, 100, 2, 2] += 0.01
    status, printed = run_command(copy(tmp_path, shift=wrong))
    assert status == 1
    assert "FAIL: shift" in printed
    assert "scale" not in printed


def test_a_wrong_corner_fails(tmp_path: Path) -> None:
    status, printed = run_command(copy(tmp_path, scale__corner=recorded("scale__corner") * 1.01))
    assert status == 1
    assert "FAIL: scale" in printed


def test_another_seed_fails(tmp_path: Path) -> None:
    meta = json.dumps({"net": CHEAP, "inputs": {"x": ["make_input", "another seed", [1, 3, 256, 256], 0.0, 0.3]}})
    assert run_command(copy(tmp_path, meta=meta))[0] == 1


def test_an_output_that_nobody_computes_fails(tmp_path: Path) -> None:
    status, printed = run_command(copy(tmp_path, extra=np.zeros(1), extra__shape=[1], extra__stats=np.zeros(4)))
    assert status == 1
    assert "extra (not computed)" in printed


def test_folder_without_fixtures_is_refused(tmp_path: Path) -> None:
    status, printed = run_command(tmp_path)
    assert status == 2
    assert "found none" in printed


def test_unknown_network_is_refused(tmp_path: Path) -> None:
    status, printed = run_command(copy(tmp_path, meta=json.dumps({"net": "vgg", "inputs": {}})))
    assert status == 2
    assert "'vgg'" in printed
