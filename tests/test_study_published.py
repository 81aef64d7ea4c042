"""The study with the published models: what it says without them, and the whole of it at 1024 on fixture weights."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from test_workflow import Project

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import read_rgb
from unripple.files.tensors import to_tensor
from unripple.jobs import index
from unripple.jobs.fingerprint import closure
from unripple.known_plate.portraits import example_photo
from unripple.models.published import load
from unripple.networks.psp import PSP
from unripple.parity.pseudo_set import write_network, write_pseudo_set
from unripple.photos.celeba_hq import MAPPING, PARTITION
from unripple.settings.inpainters import WEIGHTLESS
from unripple.settings.parameters import check
from unripple.settings.study import Study
from unripple.stages.align import align
from unripple.weights.published.manifest import Weights, manifest
from unripple.weights.published.missing import missing_weights
from unripple.weights.roles import PUBLISHED, converted_file

pytestmark = pytest.mark.timeout(1800)

#: The published files that a study of poses needs.
NEEDED = ("hfgi", "pose", "graphonomy", "big-lama")
PUBLISHED_STUDY = check({"models": "published"}, "params.yaml")


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Project:
    return Project(root, tmp_path)


def written(project: Project) -> list[str]:
    """What lies in the project's folder but its sources and Snakemake's own."""
    return sorted(path.name for path in project.folder.iterdir() if not path.name.startswith("."))


def tiny_weights(folder: Path, *attributes: str) -> None:
    """Files with the right names: enough for a plan."""
    folder.mkdir(parents=True, exist_ok=True)
    for role in ("hfgi", "parser", "inpainter"):
        save_file({"weight": torch.ones(1)}, folder / f"{role}.safetensors")
    save_file({attribute: torch.ones(512) for attribute in attributes}, folder / "directions.safetensors")


def assert_leads_through(output: str) -> None:
    assert output.count("models = published: 4 of 4 files of weights are not in models/published yet") == 1
    for name in NEEDED:
        weights: Weights = manifest()[name]
        for told in (
            weights.size,
            weights.licence,
            *weights.sha256,
            f".venv/bin/unripple weights fetch {name}",
            f"put it at models/published/originals/{weights.file}",
            f".venv/bin/unripple weights convert models/published/originals/{weights.file}",
        ):
            assert told in output
    for told in ("CelebAMask-HQ", MAPPING, PARTITION, "params/celeba-hq.yaml"):
        assert told in output
    assert "Traceback" not in output


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_without_weights_one_message_says_all_and_nothing_runs(project: Project, arguments: tuple[str, ...]) -> None:
    before = written(project)
    status, output = project.run("--config", "models=published", *arguments)
    assert status != 0
    assert_leads_through(output)
    assert written(project) == before


def test_plain_snakemake_says_the_same(project: Project) -> None:
    before = written(project)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--config", "models=published"],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert_leads_through(done.stdout + done.stderr)
    assert written(project) == before


def test_missing_photos_and_missing_weights_are_one_message(project: Project, root: Path) -> None:
    status, output = project.run("--config", "models=published", "--configfile", str(root / "params/celeba-hq.yaml"))
    assert status != 0
    assert "data/CelebAMask-HQ.zip: no such archive" in output
    assert_leads_through(output)


def test_the_shipped_parameters_are_enough_once_the_weights_are_there(project: Project) -> None:
    tiny_weights(project.folder / PUBLISHED, "pose")
    status, output = project.run("--dry-run", "--config", "models=published")
    assert status == 0, output
    assert re.search(r"invert~e4e/inversions/shard~00\.json", output)
    assert "inpaint~big-lama" in output
    assert "models/lite" not in output


def message(models: Path, *studies: Study) -> str:
    return "\n".join(missing_weights(models, studies or [PUBLISHED_STUDY]))


def test_nothing_is_said_when_all_is_there(tmp_path: Path) -> None:
    tiny_weights(tmp_path, "pose")
    assert message(tmp_path) == ""


def test_a_file_that_waits_for_its_conversion_is_not_fetched_again(tmp_path: Path) -> None:
    other = manifest()["big-lama-script"].path(tmp_path)
    other.parent.mkdir()
    other.touch()
    said = message(tmp_path)
    assert f"here      {other}, not converted yet" in said
    assert "weights fetch hfgi pose graphonomy\n" in said
    assert f"convert {other}" in said


def test_a_direction_that_the_study_asks_for_is_missed(tmp_path: Path) -> None:
    tiny_weights(tmp_path, "pose")
    smile = check({"models": "published", "edit": {"attribute": "smile"}}, "params.yaml")
    assert "InterfaceGAN's direction of smile" in message(tmp_path, PUBLISHED_STUDY, smile)


def test_a_damaged_directions_file_is_missed(tmp_path: Path) -> None:
    tiny_weights(tmp_path, "pose")
    (tmp_path / "directions.safetensors").write_bytes(b"half")
    assert "InterfaceGAN's direction of yaw" in message(tmp_path)


@pytest.mark.parametrize("inpainter", WEIGHTLESS)
def test_an_inpainter_without_weights_needs_none(tmp_path: Path, inpainter: str) -> None:
    tiny_weights(tmp_path, "pose")
    (tmp_path / "inpainter.safetensors").unlink()
    without = check({"models": "published", "inpaint": {"model": inpainter}}, "params.yaml")
    assert message(tmp_path, without) == ""
    assert "big-lama.zip" in message(tmp_path, without, PUBLISHED_STUDY)


@pytest.mark.parametrize(
    ("script", "embedded", "papers"),
    [
        ("parse_edit", "networks.parser:Parser", "networks.graphonomy:Graphonomy"),
        ("fill", "networks.lama_lite:LamaLite", "networks.ffc:FFCBlock"),
        ("edit", "networks.mobile_stylegan:MobileStyleGAN", "networks.stylegan2:StyleGAN2"),
    ],
)
def test_a_fingerprint_holds_the_networks_of_its_set_only(root: Path, script: str, embedded: str, papers: str) -> None:
    lite, published = (
        {
            key.removeprefix("unripple.")
            for key in closure(root / f"workflow/scripts/{script}.py", f"unripple.models.{name}")
        }
        for name in ("lite", "published")
    )
    assert embedded in lite - published
    assert papers in published
    assert not any(key.startswith(("networks.graphonomy:", "networks.stylegan2:")) for key in lite)


def celeba_hq(folder: Path) -> None:
    """An archive of CelebAMask-HQ's layout with the aligned astronaut as its only photo, and the two lists."""
    portrait = BytesIO()
    Image.fromarray(align(example_photo("astronaut"), FaceMeter()).rgb).save(portrait, "PNG")
    with zipfile.ZipFile(folder / "CelebAMask-HQ.zip", "w") as archive:
        archive.writestr("CelebAMask-HQ/CelebA-HQ-img/7.png", portrait.getvalue())
        archive.writestr("CelebAMask-HQ/CelebA-HQ-img/8.png", b"of the training split")
        archive.writestr(f"CelebAMask-HQ/{MAPPING}", "idx orig_idx orig_file\n7 0 000001.jpg\n8 1 000002.jpg\n")
    (folder / PARTITION).write_text("000001.jpg 2\n000002.jpg 0\n")


def set_up(project: Project) -> None:
    """The published study of the test split, at 1024."""
    write_pseudo_set(project.folder / PUBLISHED)
    celeba_hq(project.folder / "data")
    project.set(
        models="published",
        study={
            "known_plate": 0,
            "examples": [],
            "photos": "data/CelebAMask-HQ.zip",
            "split": "test",
            "aligned": True,
        },
        images={"size": 1024},
        edit={"degrees": [3]},
        metrics={"bootstrap": 100},
    )


@pytest.fixture(scope="module")
def studied(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(root, tmp_path_factory.mktemp("published"))
    set_up(project)
    status, output = project.run()
    assert status == 0, output
    yield project
    converted_file(project.folder / PUBLISHED, "hfgi").unlink()  # 1.2 GB that pytest would keep


@pytest.mark.long
def test_the_whole_study_runs_at_1024_on_the_test_split(studied: Project) -> None:
    results = studied.folder / "results/published/default"
    indexes = [path for path in results.rglob("*shard~*.json") if not path.name.endswith(".record.json")]
    assert len(indexes) == 16
    for path in indexes:
        made = index.read(path)
        made.verify()
        empty = "plates" in path.parts and "precision~float32" not in path.parts  # all of the person taken out
        if empty:  # Noise is person everywhere: no background is left from which to paint one.
            assert "covers the whole picture" in made.failed["7"]
        else:
            assert set(made.made) == (set() if "method~split_composite" in path.parts else {"7"})
        assert set(made.failed) <= ({"7"} if empty else set())
    for family in ("portraits", "size~1024/invert~e4e/inversions", "size~1024/invert~e4e/precision~float32/edits"):
        pictures = list((results / family).rglob("7*.png"))
        assert pictures
        for path in pictures:
            assert Image.open(path).size == (1024, 1024)
    (inversion,) = (results / "size~1024/invert~e4e/inversions").rglob("7.npz")
    with np.load(inversion) as arrays:
        assert arrays["w_plus"].shape == (18, 512)
        assert not np.array_equal(arrays["w_plus"][0], arrays["w_plus"][5])  # codes of W+


@pytest.mark.long
def test_the_table_counts_what_noise_cannot_give(studied: Project) -> None:
    (table,) = studied.folder.glob("results/published/**/metrics.csv")
    rows = pd.read_csv(table)
    # no plate, no split_composite
    assert set(rows["method"]) == {"e4e", "hfgi", "ripple_inpaint", "layered", "unripple", "bitwise_or"}
    assert not rows["face_found"].any()
    (page,) = studied.folder.glob("results/published/**/report/**/index.html")
    text = page.read_text()
    for network in ("StyleGAN2-FFHQ", "e4e", "HFGI", "Graphonomy", "big-LaMa"):
        assert network in text


@pytest.mark.long
def test_a_second_run_has_nothing_to_do(studied: Project) -> None:
    assert studied.plan() == {}


@pytest.mark.long
def test_psps_encoder_inverts_for_hfgi(project: Project) -> None:
    set_up(project)
    write_network(project.folder / PUBLISHED, "psp", "psp_encoder", PSP(), "encoder.")
    project.set(invert={"method": "psp"})
    made = project.folder / "results/published/default/size~1024/invert~psp/inversions"
    status, output = project.run(str((made / "shard~00.json").relative_to(project.folder)))
    assert status == 0, output
    index.read(made / "shard~00.json").verify()
    with np.load(made / "7.npz") as arrays:
        found = torch.from_numpy(arrays["w_plus"])
    networks = load(project.folder / PUBLISHED, "cpu")
    (photo,) = (made.parents[1].parent / "portraits").glob("7.png")
    with torch.no_grad():
        seen = networks.seen(to_tensor([read_rgb(photo)]))
        psp, e4e = (networks.encoder(seen, name)[0] for name in ("psp", "e4e"))
    torch.testing.assert_close(found, psp, atol=1e-3, rtol=1e-3)
    assert not torch.allclose(psp, e4e, atol=1e-3)
