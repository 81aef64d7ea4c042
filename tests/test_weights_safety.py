"""Files from elsewhere run nothing, write nowhere else, and cannot fill the disk."""

from __future__ import annotations

import os
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from unripple.cli.app import app
from unripple.weights.published import checkpoints, zips
from unripple.weights.published.convert import convert
from unripple.weights.published.manifest import WeightsError
from unripple.weights.roles import LAYOUTS, Layout


class Attack:
    """Makes ``marker`` when it is loaded."""

    def __init__(self, call: Callable[..., object], *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call, self.arguments


def attacks(marker: Path) -> dict[str, Attack]:
    return {
        "system": Attack(os.system, f"touch {marker}"),
        "eval": Attack(eval, f"open({str(marker)!r}, 'w')"),
        "open": Attack(open, str(marker), "w"),
        "load": Attack(torch.load, str(marker)),
        "hub": Attack(torch.hub.load_state_dict_from_url, "file:///nowhere"),
    }


def write(path: Path, content: object, how: str) -> None:
    """A checkpoint of today, one of before 2020, or a bare pickle."""
    if how == "pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "zip")


def packed(checkpoint: Path, layout: Layout) -> Path:
    """``checkpoint`` inside the container of a layout, under a name that the layout takes."""
    path = checkpoint
    if layout == "interfacegan":
        path = checkpoint.replace(checkpoint.with_name("pose.pt"))
    if layout == "lama-zip":
        path = checkpoint.with_name("mine.zip")
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(checkpoint, "big-lama/models/best.ckpt")
    if layout == "lama-torchscript" and zipfile.is_zipfile(checkpoint):
        with zipfile.ZipFile(checkpoint, "a") as archive:
            archive.writestr(f"{archive.namelist()[0].partition('/')[0]}/constants.pkl", pickle.dumps((), protocol=2))
    return path


@pytest.mark.parametrize("how", ["zip", "old", "pickle"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_malicious_pickle_is_refused_and_not_run(layout: Layout, how: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for name, attack in attacks(marker).items():
        folder = tmp_path / name
        folder.mkdir()
        write(folder / "mine.pt", {"state_dict": {"generator.a": torch.zeros(1)}, "opts": attack}, how)
        file = packed(folder / "mine.pt", layout)
        with pytest.raises(WeightsError, match=file.name):
            convert(file, folder, layout)
        assert not marker.exists(), name
        assert not list(folder.glob("*.safetensors"))


def test_the_attacks_would_work(tmp_path: Path) -> None:
    for name in ("system", "eval", "open"):
        write(tmp_path / "mine.pt", attacks(tmp_path / name)[name], "zip")
        torch.load(tmp_path / "mine.pt", weights_only=False)
        assert (tmp_path / name).exists()


def test_the_refusal_names_what_the_file_wanted(tmp_path: Path) -> None:
    for how in ("zip", "old"):
        write(tmp_path / "mine.pt", attacks(tmp_path / "marker")["eval"], how)
        result = CliRunner().invoke(
            app, ["weights", "convert", str(tmp_path / "mine.pt"), "--as", "hfgi", "--models", str(tmp_path)]
        )
        assert result.exit_code == 1
        assert f"{tmp_path / 'mine.pt'}: refused" in result.output
        assert "eval" in result.output
        assert "Traceback" not in result.output


def test_what_stands_in_for_a_class_does_nothing(tmp_path: Path) -> None:
    made = checkpoints.Inert("touch", x=1)
    made.__setstate__({"__class__": Attack, "anything": 1})
    assert type(made) is checkpoints.Inert
    assert vars(made) == {"state": {"__class__": Attack, "anything": 1}}


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_torchscript_is_not_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = torch.nn.BatchNorm2d(3)
    torch.jit.save(torch.jit.script(torch.nn.Sequential(layer)), tmp_path / "script.pt")
    with zipfile.ZipFile(tmp_path / "script.pt") as archive:
        assert any("/code/" in name for name in archive.namelist())
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("compiled"))
    monkeypatch.setattr(torch._C, "import_ir_module", lambda *_: pytest.fail("compiled"))
    found = checkpoints.load_torchscript(tmp_path / "script.pt")
    expected = {f"0.{key}": value for key, value in layer.state_dict().items()}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], value) for key, value in expected.items())


@pytest.mark.parametrize("how", ["cut", "empty", "text", "tensor"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_damaged_or_foreign_file_is_one_message(layout: Layout, how: str, tmp_path: Path) -> None:
    file = tmp_path / "pose.pt"
    if how == "tensor":
        torch.save(torch.zeros(3), file)
    else:
        torch.save({"state_dict": {"generator.a": torch.randn(1000)}, "latent_avg": torch.zeros(512)}, file)
        whole = file.read_bytes()
        file.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "text": b"<html>quota</html>"}[how])
    with pytest.raises(WeightsError, match=r"pose\.pt: expected|pose\.pt: refused"):
        convert(file, tmp_path, layout)


def archive_with(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("big-lama/models/best.ckpt", b"weights")
        for name, content in members:
            archive.writestr(name, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../outside", "points out"),
        ("big-lama/../../outside", "points out"),
        ("../models/best.ckpt", "points out"),
        ("/outside", "points out"),
        ("..\\outside", "points out"),
        ("C:outside", "points out"),
        (link("big-lama/link"), "symbolic link"),
    ],
    ids=str,
)
def test_an_archive_cannot_write_outside(member: zipfile.ZipInfo | str, message: str, tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    path = archive_with(tmp_path / "big-lama.zip", (member, b"../../outside"))
    before = set(tmp_path.rglob("*"))
    with pytest.raises(WeightsError, match=message):
        zips.extract(path, "models/best.ckpt", inside / "best.ckpt")
    with pytest.raises(WeightsError, match=message):
        convert(path, inside, "lama-zip")
    assert set(tmp_path.rglob("*")) == before


def test_only_the_one_member_is_unpacked(tmp_path: Path) -> None:
    path = archive_with(tmp_path / "big-lama.zip", ("big-lama/config.yaml", b"a: 1"))
    target = zips.extract(path, "models/best.ckpt", tmp_path / "here")
    assert target.read_bytes() == b"weights"
    assert {file.name for file in tmp_path.iterdir()} == {"here", "big-lama.zip"}
    with pytest.raises(FileExistsError):
        zips.extract(path, "models/best.ckpt", target)
    with pytest.raises(WeightsError, match=r"expected one member models/last\.ckpt, found 0"):
        zips.extract(path, "models/last.ckpt", tmp_path / "there")


@pytest.mark.parametrize("layout", ["lama-zip", "lama-torchscript", "hfgi"])
def test_an_archive_that_grows_is_refused_before_it_is_unpacked(layout: Layout, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a/models/best.ckpt", "a/data.pkl", "a/data/0"):
            archive.writestr(name, bytes(2**24))
    with pytest.raises(WeightsError, match="would unpack to 50331648"):
        convert(tmp_path / "bomb", tmp_path, layout)


def test_a_size_that_lies_does_not_help(tmp_path: Path) -> None:
    """The table says 10 bytes, the data would unpack to 16 MiB."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/models/best.ckpt", bytes(2**24))
    content = path.read_bytes()
    path.write_bytes(content.replace((2**24).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(WeightsError, match="expected a whole zip archive"):
        zips.extract(path, "models/best.ckpt", tmp_path / "here")
    assert not (tmp_path / "here").exists() or (tmp_path / "here").stat().st_size <= 10


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive_with(tmp_path / "a.zip", ("big-lama/models/best.ckpt", b"other"))
    with pytest.raises(WeightsError, match="twice"):
        zips.extract(path, "models/best.ckpt", tmp_path / "here")
