"""What the page's script knows of every face: small pictures inside the page, the full ones as files beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from unripple.report.pictures import FacePictures, signed
from unripple.report.recipes import Recipes
from unripple.report.thumbnails import data_uri, mask_uri
from unripple.settings.columns import COLUMNS

#: No more than this many characters of pictures in the page: it opens at once, and stays well below 40 MB.
BUDGET = 24_000_000
#: Side of the pictures inside the page, and of those by which a face is chosen.
SIDE, ICON = 320, 96


class Gallery:
    """Collects faces one by one, so that a large study need not be in memory.

    Every face keeps its icon, its numbers and the links to its files. Its small pictures stay in the page while the
    budget lasts: where it is spent, the face that comes last in ``order`` gives its own up.
    """

    def __init__(
        self, table: pd.DataFrame, order: Sequence[str], folder: Path, recipes: Recipes, *, budget: int = BUDGET
    ) -> None:
        """``table``: of ``metrics_table``; ``order``: photos, the most important first; ``folder``: of the page."""
        self.faces: list[dict[str, Any]] = []
        self.folders: list[str] = []
        self.recipes = recipes
        self._numbers = _numbers(table)
        self._place = {name: place for place, name in enumerate(order)}
        self._folder = folder
        self._budget = budget
        self._links: dict[Path, int] = {}
        self._sizes: dict[str, int] = {}

    def add(self, face: FacePictures) -> None:
        """Take a face in."""
        record = {
            "name": face.name,
            "icon": data_uri(face.photo, ICON),
            "files": self._files(face.files, face.name),
            "small": {"photo": data_uri(face.photo, SIDE), "inversion": data_uri(face.inversion, SIDE)},
            "edits": [
                {
                    "degree": signed(edit.degree),
                    "numbers": {name: self._numbers.get((face.name, edit.degree, name)) for name in edit.edits()},
                    "files": self._files(edit.files, face.name),
                    "small": {name: data_uri(rgb, SIDE) for name, rgb in edit.edits().items()}
                    | ({} if edit.mask is None else {"mask": mask_uri(edit.mask, SIDE)}),
                }
                for edit in face.edits
            ],
        }
        self.faces.append(record)
        self._sizes[face.name] = sum(len(uri) for part in _parts(record) for uri in part["small"].values())
        while sum(self._sizes.values()) > self._budget:
            self._give_up(max(self._sizes, key=lambda name: (self._place.get(name, len(self._place)), name)))

    @property
    def inside(self) -> int:
        """How many faces have their small pictures in the page."""
        return len(self._sizes)

    def small(self, photo: str, degree: float) -> dict[str, str]:
        """The small pictures of a face at a degree, by name; none where the page does not hold them."""
        for face in self.faces:
            if face["name"] == photo:
                edits = [edit["small"] for edit in face["edits"] if edit["degree"] == signed(degree)]
                return {**face["small"], **(edits[0] if edits else {})}
        return {}

    def content(self) -> dict[str, Any]:
        """Everything as JSON takes it."""
        return {"faces": self.faces, "folders": self.folders, "recipes": self.recipes.found}

    def _give_up(self, name: str) -> None:
        del self._sizes[name]
        for record in self.faces:
            if record["name"] == name:
                for part in _parts(record):
                    part["small"] = {}

    def _files(self, files: Mapping[str, Path], photo: str) -> dict[str, list[Any]]:
        """Name -> number of its folder, name of its file, number of its recipe."""
        return {
            name: [self._link(path.parent), quote(path.name), self.recipes.number(path, photo)]
            for name, path in files.items()
        }

    def _link(self, folder: Path) -> int:
        if folder not in self._links:
            self._links[folder] = len(self.folders)
            self.folders.append(quote(Path(os.path.relpath(folder, self._folder)).as_posix(), safe="/~") + "/")
        return self._links[folder]


def _parts(record: dict[str, Any]) -> list[dict[str, Any]]:
    """What holds small pictures: the face itself and its edits."""
    return [record, *record["edits"]]


def _numbers(table: pd.DataFrame) -> dict[tuple[str, float, str], list[float | None]]:
    """(photo, degree, method) -> what was measured, in the order of the columns; None for what could not be."""
    keys, digits = [column.key for column in COLUMNS], [column.digits for column in COLUMNS]
    values = table[keys].astype(float).to_numpy().tolist()
    names = zip(table["photo"].astype(str), table["degree"].astype(float), table["method"].astype(str), strict=True)
    return {
        name: [None if value != value else round(value, count) for value, count in zip(row, digits, strict=True)]
        for name, row in zip(names, values, strict=True)
    }
