"""The command line, from a photo to pictures, with networks that are arithmetic."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from torch import Tensor
from torch.nn import functional as F
from typer.testing import CliRunner

from unripple.cli import app, progress
from unripple.cli import edit as command
from unripple.detectors.face_mesh import FaceMesh
from unripple.files.pictures import read_mask, read_rgb
from unripple.files.tensors import to_256
from unripple.known_plate.portraits import example_photo
from unripple.models import lite
from unripple.networks.fusion import Fused, FusionState
from unripple.settings.inverters import Inverter
from unripple.stages import editor
from unripple.stages.align import paste_back
from unripple.weights import lite as weights

SIDE = 1024
#: Half the width of the person, and how far one degree moves them, in widths of the picture.
HALF, STEP = 0.2, 0.05


class ColumnGenerator:
    """A white column on grey, whose place is the first coordinate of the code; fused: on blue."""

    def to_fusion(self, w_plus: Tensor) -> FusionState:
        return FusionState(w_plus, None)

    def from_fusion(self, state: FusionState, w_plus: Tensor, fused: Fused | None = None) -> Tensor:
        columns = (torch.arange(SIDE) + 0.5) / SIDE
        person = (columns - w_plus[0, 0, 0]).abs() < HALF
        background = torch.tensor([0.0, 0.0, 0.0 if fused is None else 0.5])[None, :, None, None]
        return torch.where(person, torch.ones(1), background).expand(1, 3, SIDE, SIDE)

    def __call__(self, w_plus: Tensor) -> Tensor:
        return self.from_fusion(self.to_fusion(w_plus), w_plus)


class ColumnModels:
    """Stands in for a ``ModelSet``: every photo is a white column in the middle."""

    device = torch.device("cpu")
    generator = ColumnGenerator()

    def seen(self, portrait: Tensor) -> Tensor:
        return to_256(portrait)

    def encoder(self, rgb: Tensor, network: str = "e4e") -> Tensor:
        return torch.full((1, 18, 512), 0.5)

    @property
    def inverter(self) -> tuple[Inverter, int]:
        return "e4e", 0

    def consultation(self, distortion: Tensor, edited: Tensor) -> Fused:
        return Fused(distortion, edited)

    def consult(self, aligned: Tensor) -> Fused:
        return Fused(aligned, aligned)

    def direction(self, attribute: str) -> Tensor:
        # Pose to the person's right is to the left of the picture; a smile goes half as far.
        return torch.full((512,), {"pose": -STEP, "smile": -STEP / 2}[attribute])

    def parser(self, rgb: Tensor, _scales: tuple[float, ...] = ()) -> Tensor:
        white = (rgb == 1).all(dim=1, keepdim=True).float()
        return white if white.mean() > HALF else self.middle(rgb)

    def middle(self, rgb: Tensor) -> Tensor:
        columns = (torch.arange(SIDE) + 0.5) / SIDE
        return ((columns - 0.5).abs() < HALF).float().expand(1, 1, SIDE, SIDE)

    def inpainter(self, rgb: Tensor, mask: Tensor) -> Tensor:
        assert F.max_pool2d(mask.float(), 2).any()
        return torch.where(mask, torch.tensor([-1.0, 1.0, -1.0])[None, :, None, None], rgb)


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "load", lambda folder, device: ColumnModels())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(example_photo("astronaut")).save(tmp_path / "me.png")
    return tmp_path / "me.png"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app.app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.usefixtures("columns")
def test_another_face_can_be_taken_and_a_lying_photo_is_turned(tmp_path: Path) -> None:
    astronaut = example_photo("astronaut")
    both = np.full((512, 912, 3), 90, np.uint8)
    both[112:, :400] = np.asarray(Image.fromarray(astronaut).resize((400, 400)))
    both[:, 400:] = astronaut
    Image.fromarray(both).save(tmp_path / "both.png")
    code, said = run("edit", "--refine", 0, tmp_path / "both.png", "--face", 1, "--out", tmp_path / "out")
    assert code == 0, said
    assert "2 faces found, from the left: 1 at x 1" in said and "number 1 is taken" in said
    changed = (read_rgb(tmp_path / "out/pose+3/pasted.png") != both).any(axis=(0, 2))
    assert changed[:400].any() and not changed[500:].any()
    code, said = run("edit", "--refine", 0, tmp_path / "both.png", "--face", 3, "--out", tmp_path / "out")
    assert code == 1 and "face 3: 2 faces found" in said
    Image.fromarray(astronaut).rotate(90).save(tmp_path / "lying.png")
    code, said = run("edit", "--refine", 0, tmp_path / "lying.png", "--out", tmp_path / "out")
    assert code == 0 and "turned to the right by 90 degrees" in said
    pasted = read_rgb(tmp_path / "out/pose+3/pasted.png")
    assert (pasted == astronaut).mean() > 0.5


@pytest.mark.usefixtures("columns")
def test_attributes_combine(photo: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.full(512, -STEP))
    turned, both = tmp_path / "turned", tmp_path / "both"
    assert run("edit", "--refine", 0, photo, "--pose", 3, "--out", turned)[0] == 0
    along = f"{tmp_path / 'mine.npy'}:1"
    code, said = run("edit", "--refine", 0, photo, "--pose", 1, "--smile", 2, "--along", along, "--out", both)
    assert code == 0, said
    (folder,) = (path for path in both.iterdir() if path.is_dir())
    assert folder.name == "pose+1_smile+2_mine+1"
    assert (read_rgb(folder / "baseline.png") == read_rgb(turned / "pose+3/baseline.png")).all()  # 1 + 2 / 2 + 1
    code, said = run("edit", "--refine", 0, photo, "--smile", -2, "--out", tmp_path / "smile")
    assert code == 0 and (tmp_path / "smile/smile-2/pasted.png").is_file(), said
    for wrong in ("mine.npy", "mine.txt:1", "pose:1", f"{tmp_path / 'mine.npy'}:9"):
        code, said = run("edit", photo, "--along", wrong)
        assert code == 2 and "expected FILE:DEGREE" in " ".join(said.replace("│", " ").split()), said


@pytest.mark.usefixtures("columns")
def test_edit_writes_every_picture_for_every_degree(photo: Path, tmp_path: Path) -> None:
    code, said = run("edit", "--refine", 0, photo, "--pose", 3, "--pose", -1.5, "--out", tmp_path / "out")
    assert code == 0, said
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    names = ("baseline", "mask", "cleaned", "pasted")
    expected = {f"{folder}/{name}.png" for folder in ("pose+3", "pose-1.5") for name in names}
    assert {file for file in files if "/" in file and file.endswith(".png")} == expected
    assert (tmp_path / "out/portrait.png").is_file()


@pytest.mark.usefixtures("columns")
def test_several_degrees_are_laid_on_a_sheet_and_the_picture_to_look_at_is_named_last(
    photo: Path, tmp_path: Path
) -> None:
    code, said = run("edit", "--refine", 0, photo, "--out", tmp_path / "one")
    assert code == 0 and said.splitlines()[-1] == f"look at {tmp_path / 'one/pose+3/pasted.png'}"
    assert not (tmp_path / "one/sheet.png").exists()
    assert [line.partition(":")[0] for line in said.splitlines()[:4]] == ["face", "person", "inversion", "pose +3"]
    code, said = run("edit", "--refine", 0, photo, "--pose", "-1:1:1", "--pose", 1, "--out", tmp_path / "out")
    assert code == 0 and said.splitlines()[-1] == f"look at {tmp_path / 'out/sheet.png'}"
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == {"pose-1", "pose+0", "pose+1"}
    sheet = read_rgb(tmp_path / "out/sheet.png")
    assert sheet.shape[1] > 3 * sheet.shape[0]
    assert (sheet[150:200] == 255).all(axis=(0, 2)).sum() > 40  # What stands between the four.


@pytest.mark.usefixtures("columns")
@pytest.mark.parametrize("encoder", [True, False])
def test_a_clip_turns_forth_and_back(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: bool
) -> None:
    if not encoder:
        monkeypatch.setattr("unripple.report.turning._encoded", lambda film, frames: False)
    arguments = (
        "edit",
        "--refine",
        0,
        photo,
        "--pose",
        "-2:2:2",
        "--video",
        "--out",
        tmp_path,
        "--method",
        "ripple_inpaint",
    )
    code, said = run(*arguments)
    assert code == 0, said
    film = Path(said.splitlines()[-1].removeprefix("look at "))
    assert film == tmp_path / ("turning.mp4" if encoder else "turning.webp")
    if encoder:
        reader = cv2.VideoCapture(str(film))
        frames = [reader.read()[1].mean(axis=(0, 2)) for _ in range(int(reader.get(cv2.CAP_PROP_FRAME_COUNT)))]
    else:
        with Image.open(film) as clip:
            frames = [np.asarray(frame.convert("RGB")).mean(axis=(0, 2)) for frame in ImageSequence.Iterator(clip)]
    middles = [np.flatnonzero(frame > 200).mean() / frame.size for frame in frames]
    assert np.allclose(middles, [0.5 + 2 * STEP, 0.5, 0.5 - 2 * STEP, 0.5], atol=0.03)


def test_the_degrees_of_a_clip() -> None:
    assert command._between([3.0])[0] == 0 and command._between([3.0])[-1] == 3
    assert command._between([-2.0, 2.0])[::6] == [-2, 0, 2]
    assert command._between([2.0, -2.0, 1.0]) == [-2, 1, 2]
    assert command._degrees(["-3:3:1.5", "3", "-0"]) == [-3, -1.5, 0, 1.5, 3]


def test_every_method_of_the_command_has_its_function() -> None:
    assert set(get_args(command.Method)) == editor.CLEANERS.keys()


def test_help_loads_no_network_library() -> None:
    heavy = "{'torch', 'torchvision', 'openvino', 'pandas', 'skimage', 'matplotlib'}"
    code = f"import sys, unripple.cli.app; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_models_are_found_from_any_folder(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"models in {root / 'models/lite'}" in run("doctor")[1]
    (tmp_path / "models/lite").mkdir(parents=True)
    assert f"models in {tmp_path / 'models/lite'}" in run("doctor")[1]


def test_make_weights_makes_the_generator_too(tmp_path: Path, root: Path) -> None:
    shutil.copy(root / "Makefile", tmp_path)
    shutil.copytree(root / "requirements", tmp_path / "requirements")
    done = subprocess.run(["make", "--dry-run", "weights"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"models/lite/{weights.GENERATOR} models/lite/{weights.MAPPING}" in done.stdout, done.stdout


def test_a_terminal_sees_a_bar_with_the_step_and_its_time() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    with progress.Steps(2, terminal) as steps:
        with steps.step("face"):
            time.sleep(0.5)
        with pytest.raises(ValueError, match="no"), steps.step("inversion"):
            raise ValueError("no")
    shown = terminal.getvalue()
    assert "face: 0." in shown and "step 1 of 2" in shown and "inversion  " in shown
    assert "inversion:" not in shown


@pytest.mark.usefixtures("columns")
def test_the_uncovered_band_is_filled_and_the_person_kept(photo: Path, tmp_path: Path) -> None:
    assert run("edit", "--refine", 0, photo, "--out", tmp_path, "--method", "ripple_inpaint")[0] == 0
    baseline, mask = read_rgb(tmp_path / "pose+3/baseline.png"), read_mask(tmp_path / "pose+3/mask.png")
    cleaned = read_rgb(tmp_path / "pose+3/cleaned.png")
    left, right = round((0.5 - 3 * STEP + HALF) * SIDE), round((0.5 + HALF) * SIDE)  # The band.
    assert mask[:, left:right].all()
    assert not mask[:, : left - 8].any()
    assert (cleaned[:, left + 20 : right - 20] == baseline[0, 0]).all()  # As around it: PatchMatch knows nothing else.
    assert np.array_equal(cleaned[:, :left], baseline[:, :left])
    assert np.array_equal(cleaned[~mask], baseline[~mask])


@pytest.mark.usefixtures("columns")
def test_split_composite_keeps_the_photo_s_background(photo: Path, tmp_path: Path) -> None:
    assert run("edit", "--refine", 0, photo, "--out", tmp_path, "--method", "split_composite")[0] == 0
    cleaned, portrait = read_rgb(tmp_path / "pose+3/cleaned.png"), read_rgb(tmp_path / "portrait.png")
    far_right = round((0.5 + HALF + 0.05) * SIDE)
    assert np.array_equal(cleaned[:, far_right:], portrait[:, far_right:])
    assert (cleaned[:, round(0.36 * SIDE)] == 255).all()  # The edited person.


@pytest.mark.usefixtures("columns")
def test_the_photo_changes_only_around_the_person(photo: Path, tmp_path: Path) -> None:
    assert run("edit", "--refine", 0, photo, "--out", tmp_path)[0] == 0
    pasted, original = read_rgb(tmp_path / "pose+3/pasted.png"), read_rgb(photo)
    assert pasted.shape == original.shape
    assert not np.array_equal(pasted, original)
    assert np.array_equal(pasted[:, :140], original[:, :140])
    assert np.array_equal(pasted[210:], original[210:])


@pytest.mark.usefixtures("columns")
def test_the_head_alone_goes_back_onto_the_photo_s_own_body(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    across, down = np.random.default_rng(0).uniform(-1, 1, (2, 468)).clip(-0.7, 0.7)
    mesh = np.stack([256 + 90 * across, 290 + 120 * down, 40 * across**2], axis=1)
    monkeypatch.setattr(FaceMesh, "find", lambda self, portrait: mesh)
    assert run("edit", "--refine", 0, photo, "--out", tmp_path)[0] == 0
    pasted, original = read_rgb(tmp_path / "pose+3/pasted.png"), read_rgb(photo)
    shoulders = 186  # The portrait's square ends at 191, and all that is pasted of a column would, too.
    assert np.array_equal(pasted[shoulders:], original[shoulders:])
    assert not np.array_equal(pasted[100:150], original[100:150])


@pytest.mark.usefixtures("columns")
def test_a_photo_that_cannot_be_used_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "wall.png")
    (tmp_path / "letter.jpg").write_text("Dear Sir or Madam")
    for name, reason in (("wall.png", "no face"), ("letter.jpg", "not a picture"), ("gone.jpg", "no such file")):
        code, said = run("edit", "--refine", 0, tmp_path / name, "--out", tmp_path / "out")
        assert code == 1
        assert name in said
        assert reason in said
        assert len(said.splitlines()) == 1
    assert run("edit", "--refine", 0, tmp_path)[0] == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("columns")
def test_what_was_done_to_the_photo_is_said(tmp_path: Path) -> None:
    Image.fromarray(example_photo("astronaut")).convert("L").save(tmp_path / "grey.png")
    code, said = run("edit", "--refine", 0, tmp_path / "grey.png", "--out", tmp_path / "out")
    assert code == 0
    assert "grey" in said


def test_a_missing_model_is_named(photo: Path, tmp_path: Path) -> None:
    code, said = run("edit", "--refine", 0, photo, "--models", tmp_path / "nothing", "--out", tmp_path / "out")
    assert code == 1
    assert "nothing" in said
    assert "not found" in said


@pytest.mark.parametrize(
    "wrong",
    [
        *(["--pose", degrees] for degrees in ("9", "3:-3:1", "1:2:3:4", "nan", "0:5:0.0001", "0:1:1e-999999", "left")),
        ["--method", "magic"],
        ["--dilate", "-1"],
        ["--device", "abacus"],
    ],
)
def test_wrong_options_are_refused_before_anything_runs(photo: Path, wrong: list[str]) -> None:
    code, said = run("edit", "--refine", 0, photo, *wrong)
    assert code == 2
    assert wrong[0] in said


def test_doctor_tells_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "parser.safetensors").write_bytes(bytes(3 << 20))
    code, said = run("doctor", "--models", tmp_path)
    assert code == 1
    assert "device:" in said
    assert f"present  parser: {tmp_path / 'parser.safetensors'} (3.0 MiB)" in said
    assert f"missing  generator: expected at {tmp_path / 'generator.safetensors'}" in said


def test_missing_published_models_are_named_with_the_way_to_them(photo: Path, tmp_path: Path) -> None:
    models = tmp_path / "published"
    code, said = run("edit", photo, "--models", models, "--out", tmp_path / "out")
    assert code == 1
    (line,) = (line for line in said.splitlines() if "no such file" in line)
    assert line.startswith(f"{models}/")
    assert "unripple weights" in line


def test_doctor_knows_the_published_models(tmp_path: Path) -> None:
    models = tmp_path / "published"
    models.mkdir()
    (models / "parser.safetensors").write_bytes(b"-")
    code, said = run("doctor", "--models", models)
    assert code == 1
    assert f"present  parser: {models / 'parser.safetensors'}" in said
    hfgi = models / "hfgi.safetensors"
    assert f"missing  generator, mapping, encoder, consultation: expected at {hfgi}" in said
    assert f"absent   row ada_pose: expected at {models / 'ada_pose.safetensors'}" in said
    assert "unripple weights" in said


def test_doctor_is_content_when_all_is_there(tmp_path: Path) -> None:
    for name in (
        weights.GENERATOR, weights.MAPPING, weights.ENCODER, weights.DESCENT, weights.PREVIEW, weights.CONSULTATION,
        weights.DIRECTIONS, weights.PARSER, weights.INPAINTER,
    ):  # fmt: skip
        (tmp_path / name).write_bytes(b"-")
    code, said = run("doctor", "--models", tmp_path)
    assert code == 0
    assert "missing" not in said
    assert f"absent   row ada_pose: expected at {tmp_path / 'ada_pose.safetensors'}" in said
    assert f"absent   ripple.operation = learned: expected at {tmp_path / 'ripple_finder.safetensors'}" in said


def test_edit_with_the_shipped_networks(photo: Path, tmp_path: Path, root: Path) -> None:
    code, said = run("edit", "--refine", 1, photo, "--models", root / "models" / "lite", "--out", tmp_path / "out")
    assert code == 0, said
    before, after, mask = (
        read(tmp_path / "out" / "pose+3" / name)
        for name, read in (("baseline.png", read_rgb), ("cleaned.png", read_rgb), ("mask.png", read_mask))
    )
    changed = (before != after).any(axis=2)
    assert 0.01 < mask.mean() < 0.5
    assert changed[~mask].any()  # The layered edit is no repair of the baseline:
    portrait, corner = read_rgb(tmp_path / "out/portrait.png"), np.s_[:40, :40]
    assert np.array_equal(after[corner], portrait[corner])  # the photo's background stays,
    assert not np.array_equal(before[corner], portrait[corner])  # which the baseline has lost.
    pasted, original = read_rgb(tmp_path / "out/pose+3/pasted.png"), read_rgb(photo)
    assert np.array_equal(pasted[187:], original[187:])  # So does the body below the head,
    ring = np.s_[150:185, 145:175]  # and the ring of the suit beside it, which the generator does not know.
    assert np.abs(pasted[ring].astype(int) - original[ring]).mean() < 2
    square = read_rgb(tmp_path / "out/pose+3/cleaned.png")
    cleaned = paste_back(original, square, editor.find_face(photo, 0)[1].transform)
    assert np.abs(cleaned[ring].astype(int) - original[ring]).mean() > 20
