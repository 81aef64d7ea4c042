"""Edits from outside: how they are found and checked; what another system is given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unripple.files.pictures import write_matte, write_rgb
from unripple.jobs.index import IndexWriter
from unripple.known_plate.handout import write_handout
from unripple.photos.decoding import PhotoRefused
from unripple.photos.outside import find_picture, picture_name
from unripple.report import results_folder
from unripple.settings.parameters import ConfigError, check
from unripple.stages.external import read_edit

SIZE = 256


def picture(file: Path, height: int = SIZE, width: int = SIZE) -> Path:
    write_rgb(file, np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8))
    return file


@pytest.mark.parametrize(("degree", "name"), [(3.0, "pose+3"), (-1.5, "pose-1.5"), (0.25, "pose+0.25")])
def test_a_picture_is_found_by_photo_and_degree(tmp_path: Path, degree: float, name: str) -> None:
    assert find_picture(tmp_path, "ann", "pose", degree) is None
    (tmp_path / "ann").mkdir()
    jpeg = tmp_path / "ann" / f"{name}.jpg"
    jpeg.write_bytes(b"")
    assert find_picture(tmp_path, "ann", "pose", degree) == jpeg
    png = picture(tmp_path / "ann" / f"{name}.png")
    assert find_picture(tmp_path, "ann", "pose", degree) == png
    assert find_picture(tmp_path, "ann", "pose", -degree) is None
    assert picture_name("pose", degree) == name


def test_a_larger_square_is_reduced_and_one_of_the_size_is_taken_as_it_is(tmp_path: Path) -> None:
    same = picture(tmp_path / "same.png")
    assert read_edit(same, "", SIZE).shape == (SIZE, SIZE, 3)
    flat = np.full((2 * SIZE, 2 * SIZE, 3), 77, np.uint8)
    write_rgb(tmp_path / "flat.png", flat)
    assert (read_edit(tmp_path / "flat.png", "", SIZE) == 77).all()


@pytest.mark.parametrize(
    ("height", "width", "found"), [(SIZE, SIZE + 1, "257 x 256"), (SIZE - 1, SIZE - 1, "255 x 255")]
)
def test_another_shape_or_size_is_refused(tmp_path: Path, height: int, width: int, found: str) -> None:
    file = picture(tmp_path / "odd.png", height, width)
    with pytest.raises(PhotoRefused, match=rf"odd.png: expected a square of 256 x 256 pixels or more, found {found}"):
        read_edit(file, "", SIZE)


def test_what_is_missing_or_no_picture_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(PhotoRefused, match=r"mine: ann/pose\+3: no such picture"):
        read_edit(None, "mine: ann/pose+3", SIZE)
    (tmp_path / "no.png").write_text("hello")
    with pytest.raises(PhotoRefused, match=r"no.png: not a picture"):
        read_edit(tmp_path / "no.png", "", SIZE)


@pytest.mark.parametrize("name", ["hfgi", "truth", "photo", "mask", "Mine", "a b", "../up", "a__b", ""])
def test_a_row_needs_a_name_that_is_free(name: str) -> None:
    with pytest.raises(ConfigError, match=r"external.*expected a name"):
        check({"external": {name: "folder"}}, "params.yaml")


def test_rows_from_outside_are_names_with_folders() -> None:
    assert check({"external": {"their_method2": "~/edits"}}, "p").external == {"their_method2": "~/edits"}
    with pytest.raises(ConfigError, match=r"external\.x = 3: expected a text"):
        check({"external": {"x": 3}}, "params.yaml")


def test_a_picture_that_is_owed_puts_no_photo_aside() -> None:
    quarantine = pd.DataFrame(
        [
            ("ann", "lite/default/size~512/external/method~mine/attribute~pose/degree~3", "mine: no such picture", ""),
            ("bea", "lite/default/portraits", "no face", "bea.jpg"),
        ],
        columns=["photo", "stage", "reason", "file"],
    )
    assert results_folder.of_photos(quarantine)["photo"].tolist() == ["bea"]
    assert results_folder.of_photos(quarantine[:0]).empty
    names = {key: Path(key) for key in ("page", "pictures", "table", "quarantine")}
    assert "Outside:   1 picture cannot be used, each with its reason in quarantine\n" in results_folder.ending(
        "default", 1, page=names["page"], pictures=Path(), table=Path(), quarantine=names["quarantine"], owed=1
    )


def test_the_handout_has_portraits_codes_and_mattes_and_keeps_plates_and_truths(tmp_path: Path) -> None:
    indexes = []
    for source, photos in (("known-plate", ["known-plate-00", "known-plate-01"]), ("photos", ["me"])):
        writer = IndexWriter(tmp_path / f"portraits/{source}.shard~00.json")
        for photo in photos:
            with writer.photo(photo) as files:
                picture(files.path(".png"))
                if source == "known-plate":
                    write_matte(files.path(".matte.png"), np.ones((SIZE, SIZE), np.float32))
                    picture(files.path(".plate.png"))
        writer.write()
        indexes.append(tmp_path / f"portraits/{source}.shard~00.json")
    codes = {f"known-plate-0{n}": np.full(512, n, np.float32) for n in range(2)}
    out = tmp_path / "out"
    for _ in range(2):  # what is there is replaced
        count = write_handout(
            *(out, indexes, codes, np.ones(512, np.float32)),
            study="default",
            attribute="pose",
            degrees=[-3, 1.5],
            size=SIZE,
        )
    assert count == 3
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {
        *(f"known-plate-0{n}/{name}" for n in range(2) for name in ("photo.png", "matte.png", "code.npy")),
        *("me/photo.png", "direction.npy", "edits.csv", "README.txt"),
    }
    assert np.array_equal(np.load(out / "known-plate-01/code.npy"), codes["known-plate-01"])
    edits = pd.read_csv(out / "edits.csv")
    assert edits["picture"].tolist()[:2] == ["known-plate-00/pose-3.png", "known-plate-00/pose+1.5.png"]
    assert len(edits) == 6
    # A system that puts its pictures there has them found.
    asked = edits.iloc[0]
    picture(tmp_path / "theirs" / asked["picture"])
    assert find_picture(tmp_path / "theirs", asked["photo"], "pose", asked["degree"]) is not None
    assert json.loads(indexes[0].read_text())["made"]  # read, and left alone
