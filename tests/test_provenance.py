"""Records of how results were made, the chain through them, and what differs between two."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from unripple.cli.app import app
from unripple.files.data import write_json
from unripple.jobs import provenance
from unripple.jobs.index import BrokenIndex, IndexWriter
from unripple.settings import parameters

RUN = CliRunner()


def study(folder: Path, degree: float = 3.0, weights: bytes = b"weights") -> Path:
    """A photo, its inversion and its edit; paths are relative to the current folder. Returns the edit's picture."""
    (folder / "models").mkdir(parents=True)
    (folder / "models/generator.safetensors").write_bytes(weights)
    (folder / "face.jpg").write_bytes(b"photo")
    inverted = made(
        folder / "inversions", {}, "invert", [f"{folder}/face.jpg", f"{folder}/models/generator.safetensors"]
    )
    edited = made(folder / "edits", {"degree": degree}, "edit", [str(inverted)])
    return edited.parent / "face.png"


def made(folder: Path, settings: dict[str, Any], stage: str, inputs: list[str]) -> Path:
    writer = IndexWriter(folder / "shard~00.json", provenance.record(stage, settings, "c0de", inputs))
    with writer.photo("face") as files:
        write_json(files.path(".png"), [stage])
    writer.write()
    return folder / "shard~00.json"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_record_holds_no_absolute_path(tmp_path: Path) -> None:
    photo, network = tmp_path / "me.jpg", tmp_path / "generator.safetensors"
    photo.write_bytes(b"x")
    network.write_bytes(b"y")
    settings = {"study": {"photos": str(tmp_path), "seed": 3}, "list": [str(photo), "../bob/me.jpg"]}
    record = provenance.record("align", settings, "c0de", [str(photo), str(network)])
    assert str(tmp_path) not in json.dumps(record)
    assert list(record["inputs"]) == ["me.jpg"] and list(record["weights"]) == ["generator.safetensors"]
    assert record["settings"] == {"study": {"photos": tmp_path.name, "seed": 3}, "list": ["me.jpg", "me.jpg"]}


def test_a_record_lists_precision_and_seed() -> None:
    told = provenance.record("edit", {"precision": "bfloat16", "settings": {"seed": 7}}, "c0de", [])
    assert (told["precision"], told["seed"]) == ("bfloat16", 7)
    untold = provenance.record("edit", {}, "c0de", [])
    assert (untold["precision"], untold["seed"]) == ("float32", None)


def test_a_record_tells_the_kind_of_host_and_not_which() -> None:
    told = json.dumps(provenance.record("edit", {}, "c0de", []))
    assert platform.machine() in told
    assert platform.node() not in told and getpass.getuser() not in told and "/" not in told


def test_equal_jobs_have_equal_records() -> None:
    Path("a.json").write_text("{}")
    first = provenance.record("edit", {"b": 1, "a": [1.5]}, "c0de", ["a.json"])
    assert json.dumps(first) == json.dumps(
        provenance.record("edit", {"a": [1.5], "b": 1}, "c0de", ["a.json", "a.json"])
    )


def test_the_chain_leads_to_photo_and_weights() -> None:
    last = provenance.chain(provenance.find(study(Path("results"))))
    assert [step.record["stage"] for step in last.walk()] == ["edit", "invert"]
    (first,) = last.before
    assert list(first.record["inputs"]) == ["results/face.jpg"]
    assert list(first.record["weights"]) == ["generator.safetensors"]


def test_explain_prints_it_and_the_command() -> None:
    picture = study(Path("results"))
    said = RUN.invoke(app, ["explain", str(picture)])
    assert said.exit_code == 0, said.output
    for part in ("edit  degree 3.0", "invert", "results/face.jpg", "generator.safetensors"):
        assert part in said.output
    assert said.output.rstrip().endswith('make study ARGS="--force -- results/edits/shard~00.json"')


def test_a_result_of_another_study_is_made_again_with_its_own_settings() -> None:
    folder = Path("results/lite/another/portraits")
    settings = {"settings": {"plates": ["coffee"], "seed": 7, "shards": 2}}
    picture = made(folder, settings, "known_plate", []).parent / "face.png"
    said = RUN.invoke(app, ["explain", str(picture), "--settings", "again.yaml"])
    assert said.exit_code == 0, said.output
    target = 'ARGS="--force -- results/lite/another/portraits/shard~00.json"'
    command = f".venv/bin/unripple explain {picture} --settings again.yaml && make study PARAMS=again.yaml {target}"
    assert said.output.rstrip().endswith(f"make it again: {command}")
    again = parameters.load(Path("again.yaml"))
    assert (again.models, again.study.name, again.study.seed, again.study.shards) == ("lite", "another", 7, 2)
    Path("again.yaml").rename("params.yaml")
    said = RUN.invoke(app, ["explain", str(picture)])
    assert said.output.rstrip().endswith(f"make it again: make study {target}")


def test_nothing_is_cut_where_there_is_no_terminal() -> None:
    long = "x" * 300
    picture = made(Path("results"), {"settings": {"note": long}}, "edit", []).parent / "face.png"
    said = RUN.invoke(app, ["explain", str(picture)]).output
    assert any(long in line and "results/shard~00.json" in line for line in said.splitlines())


def test_a_plot_of_settings_side_by_side_is_explained_with_the_file_that_lists_them() -> None:
    folder = Path("results/compare/feather")
    folder.mkdir(parents=True)
    (folder / "ranking.png").write_bytes(b"plot")
    record = provenance.record("compare", {"sweep": "params/sweeps/feather.yaml"}, "c0de", [])
    write_json(folder / "record.json", {"record": record, "results": {"ranking.png": {}}})
    said = RUN.invoke(app, ["explain", str(folder / "ranking.png")])
    assert said.exit_code == 0, said.output
    command = f'make study SETTINGS=params/sweeps/feather.yaml ARGS="--force -- {folder}/record.json"'
    assert said.output.rstrip().endswith(command)


def test_arrays_are_followed_to_the_record_beside_them() -> None:
    Path("results").mkdir()
    Path("results/codes.npz").write_bytes(b"codes")
    write_json(
        Path("results/codes.record.json"),
        {"record": provenance.record("codes", {}, "c0de", []), "results": {"codes.npz": {}}},
    )
    index = made(Path("results/portraits"), {}, "known_plate", ["results/codes.npz"])
    assert [step.record["stage"] for step in provenance.chain(index).walk()] == ["known_plate", "codes"]


def test_explain_tells_how_long_it_took_if_a_log_says() -> None:
    picture = study(Path("results"))
    assert " s;" not in RUN.invoke(app, ["explain", str(picture)]).output
    Path("logs/edits").mkdir(parents=True)
    Path("logs/edits/shard~00.tsv").write_text("s\tmax_rss\n12.3\t5\n")
    assert "code c0de; 12 s; on cpu" in RUN.invoke(app, ["explain", str(picture)]).output


def test_explain_says_what_has_changed_since() -> None:
    picture = study(Path("results"))
    Path("results/face.jpg").write_bytes(b"another photo")
    said = RUN.invoke(app, ["explain", str(picture)])
    assert "no longer what it was made from: results/face.jpg: changed" in said.output


def test_diff_names_setting_weight_and_nothing_else() -> None:
    first, second = study(Path("a")), study(Path("b"), degree=-1.5, weights=b"others")
    said = RUN.invoke(app, ["diff", str(first), str(second)])
    assert said.exit_code == 1
    lines = said.output.splitlines()
    assert "edit: settings degree: 3.0 | -1.5" in lines
    assert any(line.startswith("invert: weights generator.safetensors: ") for line in lines)
    assert all(line.startswith(("edit: settings degree", "invert: weights", "invert: input")) for line in lines)


def test_diff_of_equal_ways_is_empty() -> None:
    picture = study(Path("results"))
    said = RUN.invoke(app, ["diff", str(picture), str(picture)])
    assert (said.exit_code, said.output.strip()) == (0, "made in the same way")


@pytest.mark.parametrize("command", [["explain"], ["diff", "x.png"]])
def test_a_result_that_nothing_tells_of_is_refused(command: list[str]) -> None:
    Path("x.png").write_bytes(b"")
    said = RUN.invoke(app, [*command, "x.png"])
    assert said.exit_code == 1 and "no index or record" in said.output
    with pytest.raises(BrokenIndex, match="no such file"):
        provenance.find(Path("absent.png"))
