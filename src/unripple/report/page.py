"""The HTML page: one file, no network, every picture inside it."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from unripple.images import Rgb
from unripple.metrics.columns import BASELINE, COLUMNS, Column
from unripple.metrics.table import ABSENT, by_metric, difference_text, mean_text
from unripple.report.pictures import LABELS, FacePictures, label, signed

#: No more than this many bytes of pictures: the page stays below 40 MB, what browsers and mail still take.
PICTURE_BUDGET = 36_000_000
QUALITY = 82
#: Side of the small pictures by which a face is chosen.
THUMBNAIL = 96


@dataclass(frozen=True)
class Facts:
    """What the page says besides pictures and numbers.

    ``networks``: role -> network that produced the results; ``settings``: key -> value of the study;
    ``put_aside``: photo -> why it could not be used.
    """

    networks: Mapping[str, str]
    settings: Mapping[str, str]
    put_aside: Mapping[str, str]
    attribute: str = "pose"


def draw_page(
    faces: Iterable[FacePictures],
    table: pd.DataFrame,
    summary: pd.DataFrame,
    facts: Facts,
    *,
    methods: Sequence[str],
    side: int = 512,
    budget: int = PICTURE_BUDGET,
) -> str:
    """The page as text.

    ``faces`` are taken one by one, so that a large study need not be in memory; those that no longer fit into the
    budget are counted and said on the page. ``table`` and ``summary``: what ``metrics_table`` and ``summarise``
    gave; ``methods``: their order; ``side``: of the pictures, in pixels.
    """
    numbers = _numbers(table)
    shown: list[dict[str, Any]] = []
    total = spent = 0
    for face in faces:
        total += 1
        if spent <= budget:
            record = _face(face, numbers, side)
            size = _characters(record)
            if spent + size <= budget:
                shown.append(record)
            spent += size  # a face that does not fit closes the page: those shown are the first
    return _template().render(
        faces=shown,
        left_out=total - len(shown),
        total=total,
        labels=LABELS,
        columns=[asdict(column) | {"arrow": column.arrow} for column in COLUMNS],
        methods=[{"name": name, "label": label(name)} for name in methods],
        tables=[_table(summary, stratum, methods) for stratum in summary["stratum"].unique()],
        facts=facts,
        baseline=BASELINE,
    )


def data_uri(rgb: Rgb, side: int, quality: int = QUALITY) -> str:
    """A picture ``uint8 (H, W, 3)`` as WebP inside a URI, reduced to at most ``side`` pixels."""
    image = Image.fromarray(rgb)
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _face(face: FacePictures, numbers: Mapping[tuple[str, float, str], dict[str, float]], side: int) -> dict[str, Any]:
    """What the page's script knows of a face."""
    return {
        "name": face.name,
        "thumbnail": data_uri(face.photo, THUMBNAIL),
        "photo": data_uri(face.photo, side),
        "inversion": data_uri(face.inversion, side),
        "edits": [
            {
                "degree": signed(edit.degree),
                "pictures": {name: data_uri(rgb, side) for name, rgb in edit.shown().items()},
                "numbers": {name: numbers.get((face.name, edit.degree, name), {}) for name in edit.methods},
            }
            for edit in face.edits
        ],
    }


def _characters(record: Mapping[str, Any]) -> int:
    pictures = [record["thumbnail"], record["photo"], record["inversion"]]
    pictures += [uri for edit in record["edits"] for uri in edit["pictures"].values()]
    return sum(map(len, pictures))


def _numbers(table: pd.DataFrame) -> dict[tuple[str, float, str], dict[str, float]]:
    """(photo, degree, method) -> what was measured, without what could not be."""
    return {
        (str(row["photo"]), float(row["degree"]), str(row["method"])): {
            column.key: round(float(row[column.key]), column.digits)
            for column in COLUMNS
            if not math.isnan(row[column.key])
        }
        for row in table.to_dict("records")
    }


def _table(summary: pd.DataFrame, stratum: str, methods: Sequence[str]) -> dict[str, Any]:
    """One stratum of the summary, as text."""
    rows = summary[summary["stratum"] == stratum]
    found = by_metric(rows)
    lines = [
        {"column": column, "cells": [_cell(found.get((column.key, name), ABSENT), column) for name in methods]}
        for column in COLUMNS
    ]
    return {
        "stratum": stratum.replace("-", "−"),
        "lines": lines,
        "photos": int(rows["photos"].max()),
        "pictures": int((rows["pictures"] + rows["missing"]).max()),
        "unseen": {name: int(found.get(("yaw", name), ABSENT)["missing"]) for name in methods},
    }


def _cell(row: Mapping[Any, Any], column: Column) -> dict[str, str]:
    """Mean, difference and whether the interval of the difference lies on one side of zero."""
    low, high = row["difference_low"], row["difference_high"]
    verdict = ""
    if column.better != "neither" and not math.isnan(low) and (low > 0 or high < 0):
        verdict = "better" if (high < 0) == (column.better == "lower") else "worse"
    difference = "" if math.isnan(row["difference"]) else difference_text(row, column)
    return {
        "mean": mean_text(row, column).replace("-", "−"),
        "difference": difference.replace("-", "−"),
        "verdict": verdict,
    }


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("unripple.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # pictures are shown in the order given
    return environment.get_template("index.html.j2")
