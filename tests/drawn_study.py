"""A drawn study for the tests of the report: plain pictures, tables with known differences, and its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from unripple.files.checksum import sha256
from unripple.files.data import write_json
from unripple.files.pictures import Rgb, write_mask, write_rgb
from unripple.jobs.journal import Files, facts
from unripple.metrics.sets import DISTANCES
from unripple.metrics.table import metrics_table, summarise
from unripple.report.cases import by_importance
from unripple.report.gallery import BUDGET, Gallery
from unripple.report.page import Facts, draw_page
from unripple.report.pictures import EditPictures, FacePictures
from unripple.report.recipes import Recipes
from unripple.report.side_tables import SideTable
from unripple.settings.columns import COLUMNS, TRUTH

SIZE = 64
METHODS = ("e4e", "hfgi", "ripple_inpaint", "split_composite")
EVIL = "</script><b>\"Ünal\" & 'co' #1?%41"
NO_DISTANCES = pd.DataFrame(columns=list(DISTANCES))
FACTS = Facts(
    networks={"perceptual distance": "st-lpips-alex", "generator": "MobileStyleGAN-FFHQ"},
    settings={"ripple.dilate": "8"},
    put_aside={"<i>broken</i>.jpg": "truncated"},
    packages={"numpy": "2.0"},
)


def plain(*colour: int) -> Rgb:
    """A picture of one colour, ``uint8 (SIZE, SIZE, 3)``."""
    return np.full((SIZE, SIZE, 3), colour, np.uint8)


def face(
    name: str, degrees: Sequence[float] = (3.0, -3.0), truth: bool = True, methods: Sequence[str] = METHODS
) -> FacePictures:
    """A face of plain pictures, one colour for each method."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[16:48, 16:32] = True
    colours = {method: plain(40 * i % 256, 200, (255 - 40 * i) % 256) for i, method in enumerate(methods)}
    edits = [EditPictures(degree, colours, mask, plain(255, 200, 0) if truth else None) for degree in degrees]
    return FacePictures(name, plain(10, 20, 30), plain(30, 20, 10), tuple(edits))


@cache
def tables(*names: str, methods: tuple[str, ...] = METHODS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table and summary in which every value falls by 1 from method to method, and to the truth's own row."""
    rng = np.random.default_rng(0)
    rows = [
        {
            **{"photo": name, "attribute": "pose", "degree": degree, "method": method},
            **{column.key: rng.normal(5 - place, 0.1) for column in COLUMNS},
        }
        for name in names
        for degree in (-3.0, 3.0)
        for place, method in enumerate((*methods, TRUTH))
    ]
    table = metrics_table(rows)
    return table, summarise(table, resamples=200)


def page(
    faces: Sequence[FacePictures],
    folder: Path = Path("report"),
    indexes: Sequence[Path] = (),
    budget: int = BUDGET,
    sets: pd.DataFrame = NO_DISTANCES,
    table: pd.DataFrame | None = None,
    beside: Sequence[SideTable] = (),
    facts: Facts = FACTS,
    methods: tuple[str, ...] = METHODS,
) -> str:
    """The page of these faces; ``folder``: where it will lie; ``indexes``: of their files; ``table``: their numbers."""
    drawn, summary = tables(*([one.name for one in faces] or ["a"]), methods=methods)
    if table is None:
        table = drawn
    else:
        summary = summarise(table, resamples=200)
    recipes = Recipes(indexes, {"generator": "MobileStyleGAN-FFHQ"})
    gallery = Gallery(table, by_importance(table, methods), folder, recipes, budget=budget)
    for one in faces:
        gallery.add(one)
    return draw_page(gallery, table, summary, sets, facts, methods=methods, beside=beside)


@cache
def page_of(*names: str) -> str:
    """The page of faces of these names, drawn once for all tests."""
    return page([face(name) for name in names])


def stored(folder: Path, names: Sequence[str], size: int = 256) -> tuple[list[FacePictures], list[Path]]:
    """Faces whose pictures are also files, ``size`` pixels wide, with an index and record for each family."""
    weights = folder / "models/generator.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    made: dict[str, dict[str, Files]] = {}

    def keep(family: str, name: str, ending: str, picture: Rgb) -> Path:
        path = folder / "results" / family / (name + ending)
        large = np.kron(picture, np.ones((size // SIZE, size // SIZE, *[1] * (picture.ndim - 2)), picture.dtype))
        write_rgb(path, large) if picture.ndim == 3 else write_mask(path, large.astype(bool))
        made.setdefault(family, {}).setdefault(name, {})[path.name] = facts(path)
        return path

    faces = []
    for name in names:
        drawn = face(name)
        edits = []
        for edit in drawn.edits:
            at = f"degree~{edit.degree:g}"
            files = {key: keep(f"{key}/{at}", name, ".png", rgb) for key, rgb in edit.edits().items()}
            assert edit.mask is not None
            files["mask"] = keep(f"mask/{at}", name, ".png", edit.mask.astype(np.uint8))
            edits.append(replace(edit, files=files))
        files = {"photo": keep("photo", name, ".png", drawn.photo)}
        files["inversion"] = keep("inversion", name, ".hfgi.png", drawn.inversion)
        faces.append(replace(drawn, edits=tuple(edits), files=files))

    indexes: list[Path] = []
    for family in sorted(made, key=lambda family: (family != "photo", family)):
        index = folder / "results" / family / "shard~00.json"
        before = {str(indexes[0]): sha256(indexes[0])} if indexes else {}
        record = {
            **{"stage": family.partition("/")[0], "code": "0123456789abcdef", "packages": {}, "device": "cpu"},
            "settings": {"size": str(size), **({"dilate": "8", "degree": family[-1]} if "/" in family else {})},
            "weights": {weights.name: sha256(weights)} if "/" in family else {},
            "inputs": before,
        }
        write_json(index, {"made": made[family], "failed": {}, "record": record})
        indexes.append(index)
    return faces, indexes
