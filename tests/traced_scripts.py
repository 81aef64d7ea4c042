"""Runs the study's scripts that need no network on two small portraits, as Snakemake would; prints what each executed.

    python tests/traced_scripts.py workflow/scripts < /dev/null > executed.json

For ``test_fingerprint_scripts.py``. Works in the current folder, which must be empty. Functions of the package are
listed as ``module:name`` or ``module:Class.method``.
"""

from __future__ import annotations

import inspect
import json
import os
import runpy
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from unripple.files.data import write_arrays
from unripple.files.pictures import write_matte, write_rgb
from unripple.jobs.index import IndexWriter

SIZE = 64
PHOTOS = ("ann", "bea")
WILDCARDS = {
    **{"size": str(SIZE), "attribute": "pose", "degree": "3", "shard": "00", "threshold": "0.5", "dilate": "8"},
    **{"operation": "and_not", "original": "photo", "inpaint": "telea", "feather": "4", "precision": "float32"},
    **{"grow": "5", "detail": "100"},
}
#: Script -> its inputs by name; what is made by an earlier script, else by `made`.
SCRIPTS = {
    "ripple": {"original": "mattes", "edited": "moved"},
    "fill": {"edits": "edits", "mattes": "moved", "ripples": "ripple"},
    "plate": {"portraits": "portraits", "mattes": "mattes"},
    "ripple_inpaint": {"edits": "edits", "mattes": "moved", "ripples": "ripple", "fills": "fill"},
    "split_composite": {"edits": "edits", "mattes": "moved", "plates": "plate"},
    "motion": {"inversions": "inversions", "edits": "edits"},
    "layered_plate": {"portraits": "portraits", "mattes": "mattes", "edits": "layered"},
    "layered_composite": {"edits": "layered", "plates": "layered_plate"},
    "unripple_composite": {
        **{"portraits": "portraits", "inversions": "inversions", "mattes": "mattes", "motions": "motion"},
        **{"edits": "layered", "plates": "layered_plate"},
    },
    "bitwise_or": {"edits": "edits", "mattes": "moved", "inversions": "inversions", "originals": "mattes"},
    "align": {},
}


#: Which files a family has for each photo, if not one picture.
ENDINGS = {
    **dict.fromkeys(("edits", "inversions"), (".e4e.png", ".hfgi.png")),
    "layered": (".png", ".matte.png"),
}


class Named(list[str]):
    """Inputs or outputs as Snakemake gives them: a list, with names."""

    def __init__(self, **files: str) -> None:
        super().__init__(files.values())
        self.__dict__.update(files)

    def get(self, name: str, default: Any = None) -> Any:
        return self.__dict__.get(name, default)


class Executed:
    """Records the functions of the package that run, in any thread."""

    def __init__(self) -> None:
        self.functions: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        code = frame.f_code
        is_function = code.co_flags & inspect.CO_OPTIMIZED  # and no class or module that is being defined
        if event == "call" and is_function and module.startswith("unripple") and code.co_filename.endswith(".py"):
            self.functions.add(f"{module}:{code.co_qualname.partition('.<locals>')[0]}")


def made(name: str) -> str:
    """A family of pictures: a disc as the person, before noise."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE]
    writer = IndexWriter(Path(f"results/{name}/shard~00.json"))
    for photo in PHOTOS:
        disc = ((x - (40 if name == "moved" else 24)) ** 2 + (y - 32) ** 2 < 400).astype(np.float32)
        rgb = random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        with writer.photo(photo) as files:
            for ending in ENDINGS.get(name, (".png",)):
                if name in ("mattes", "moved") or ending == ".matte.png":
                    write_matte(files.path(ending), disc)
                else:
                    write_rgb(files.path(ending), rgb)
            if name == "inversions":
                write_arrays(files.path(".npz"), {"w_plus": np.zeros((18, 512), np.float32)})
    writer.write()
    return f"results/{name}/shard~00.json"


def executed(script: Path, inputs: dict[str, str]) -> list[str]:
    """Run a script; the functions of the package that it executed."""
    found = Executed()
    for helper in ("job", "painter"):  # which every job imports anew
        sys.modules.pop(helper, None)
    threading.setprofile(found)
    sys.setprofile(found)
    try:
        namespace = SimpleNamespace(
            rule=script.stem,
            input=Named(**inputs),
            output=Named(index=f"results/{script.stem}/shard~00.json"),
            params=Parameters(
                code="", photos={"files": {}, "archive": "", "aligned": False, "examples": ["astronaut"]}
            ),
            wildcards=Parameters(**WILDCARDS),
            log=[f"{script.stem}.log"],
            threads=1,
        )
        sys.modules["__main__"].__dict__["snakemake"] = namespace
        with patch.object(os, "_exit", sys.exit), suppress(SystemExit):  # with which a job ends
            runpy.run_path(str(script))
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return sorted(found.functions)


class Parameters(dict[str, Any]):
    """Parameters or wildcards as Snakemake gives them."""

    __getattr__ = dict.__getitem__


def main(scripts: Path) -> None:
    """Run all scripts and print what they executed."""
    out = os.dup(1)  # a job sends its own output into its log
    sys.path.insert(0, str(scripts))
    families: dict[str, str] = {}
    found = {}
    for name, inputs in SCRIPTS.items():
        for family in inputs.values():
            if family not in families:
                families[family] = made(family)
        found[name] = executed(scripts / f"{name}.py", {key: families[family] for key, family in inputs.items()})
        families[name] = f"results/{name}/shard~00.json"
    os.write(out, json.dumps(found).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
