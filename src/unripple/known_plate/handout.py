"""What another system gets to make its edits of: the study's portraits, with their codes and mattes.

Neither plates nor true edits are handed out: what is behind the person is the answer.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unripple.files.atomic import atomic
from unripple.files.tables import write_table
from unripple.jobs.index import read_all
from unripple.photos.outside import picture_name

TEXT: Final = """\
Portraits of the study '{study}' for other systems to edit.

PHOTO/photo.png   the portrait, 1024 x 1024
PHOTO/matte.png   how much of each pixel is the person; of generated portraits only
PHOTO/code.npy    its code in the generator's W, float32 (512,); of generated portraits only
direction.npy     the direction of the edit, float32 {direction}: degree a edits the code w to w + a * direction
edits.csv         the pictures that are asked for: photo, degree, picture

Make each picture of edits.csv as a square PNG of {size} x {size} pixels or more, below a folder of your own, and name
that folder in params.yaml:

external:
  yours: path/to/your/folder

A system that does not work in this generator's W turns the head by as many degrees as it can tell from true edits of
other seeds. docs/benchmark.md says what is measured.
"""


def write_handout(
    out: Path,
    indexes: Iterable[Path],
    codes: Mapping[str, NDArray[Any]],
    direction: NDArray[np.float32],
    *,
    study: str,
    attribute: str,
    degrees: Sequence[float],
    size: int,
) -> int:
    """Write the portraits of some indexes into a folder, and what to make of them; returns how many there are.

    Args:
        out: the folder; what is there under the same names is replaced.
        indexes: of portraits: known-plate ones, real photos or both.
        codes: photo -> its code ``float32 (512,)``; photos without one are real.
        direction: of the edit, ``float32 (512,)`` or ``(18, 512)``.
        study, attribute, degrees, size: of the study.
    """
    edits, count = [], 0
    for index in indexes:
        portraits = read_all([index])
        for photo in portraits:
            folder, count = out / photo, count + 1
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(portraits.path(photo, ".png"), folder / "photo.png")
            if photo in codes:
                shutil.copyfile(portraits.path(photo, ".matte.png"), folder / "matte.png")
                _write_array(folder / "code.npy", codes[photo])
            edits += [(photo, degree, f"{photo}/{picture_name(attribute, degree)}.png") for degree in degrees]
    _write_array(out / "direction.npy", direction)
    write_table(out / "edits.csv", pd.DataFrame(edits, columns=["photo", "degree", "picture"]))
    with atomic(out / "README.txt") as temporary:
        temporary.write_text(TEXT.format(study=study, size=size, direction=direction.shape), encoding="utf-8")
    return count


def _write_array(path: Path, array: NDArray[Any]) -> None:
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.asarray(array, dtype=np.float32))
