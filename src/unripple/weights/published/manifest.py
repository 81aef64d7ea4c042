"""Which weights are published, and whether a file is one of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter
from tqdm import tqdm

from unripple.files.data import write_json

MANIFEST = Path(__file__).with_name("manifest.yaml")
#: Below the folder of the published models: the files as published, and the checksums that were seen first.
ORIGINALS, LOCK = "originals", "weights.lock.json"


class WeightsError(RuntimeError):
    """A file of weights is missing, damaged or another than expected; the message says what to do."""


@dataclass(frozen=True)
class Weights:
    """One published file. ``sha256`` are the accepted checksums, or their beginnings; empty where none is public.

    ``bytes``: its exact size, where that is known; ``about``: else the rounded one.
    """

    name: str
    file: str
    holds: str
    licence: str
    sources: tuple[str, ...]
    sha256: tuple[str, ...] = ()
    bytes: int | None = None
    about: int | None = None

    @property
    def size(self) -> str:
        """In words: the bytes as published, a rounded number where only that is known."""
        if self.bytes is not None:
            return f"{self.bytes:,} bytes"
        return "size not published" if self.about is None else f"about {self.about / 1e6:,.0f} MB"

    def path(self, models: Path) -> Path:
        """Where the file is looked for: fetched, or placed by hand."""
        return models / ORIGINALS / self.file


@cache
def manifest(path: Path = MANIFEST) -> dict[str, Weights]:
    """All published weights, by name."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    adapter = TypeAdapter(list[Weights])
    return {weights.name: weights for weights in adapter.validate_python(entries)}


def named(name: str) -> Weights:
    """The weights of a name. Raises ``WeightsError`` that lists the names."""
    try:
        return manifest()[name]
    except KeyError:
        raise WeightsError(f"{name}: no such weights; expected one of {', '.join(manifest())}") from None


def verify(weights: Weights, models: Path, file: Path | None = None) -> str:
    """Check a file (default: the one in its place) and return its sha256.

    Where no checksum is public the first file that is seen is trusted, and its checksum kept in the lock file; from
    then on only that one is. Raises ``WeightsError``.
    """
    path = weights.path(models) if file is None else file
    if not path.is_file():
        raise WeightsError(
            f"{path}: missing; run `unripple weights fetch {weights.name}`, or put {weights.file} there by hand"
        )
    if weights.bytes is not None and path.stat().st_size != weights.bytes:
        raise WeightsError(_mismatch(path, f"{weights.bytes} bytes", f"{path.stat().st_size} bytes", weights))
    found = checksum(path)
    lock = models / LOCK
    expected = weights.sha256 or tuple(filter(None, [locked(lock).get(weights.file)]))
    if expected and not any(found.startswith(known) for known in expected):
        raise WeightsError(_mismatch(path, f"sha256 {' or '.join(expected)}", f"sha256 {found}", weights))
    if not expected:
        write_json(lock, {**locked(lock), weights.file: found})
    return found


def locked(lock: Path) -> dict[str, str]:
    """The checksums that were seen first, by file name."""
    if not lock.is_file():
        return {}
    try:
        content: Mapping[str, str] = json.loads(lock.read_text(encoding="utf-8"))
        return dict(content)
    except ValueError:
        raise WeightsError(f"{lock}: expected JSON with a checksum for each file; put it back or delete it") from None


def checksum(path: Path) -> str:
    """The sha256 of a file, with a progress bar for large ones."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as file, tqdm(total=size, unit="B", unit_scale=True, desc=path.name, leave=False) as bar:
        bar.disable = size < 2**26
        while block := file.read(2**22):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


def _mismatch(path: Path, expected: str, found: str, weights: Weights) -> str:
    return (
        f"{path}: expected {expected}, found {found}; it is damaged or another file: delete it and run"
        f" `unripple weights fetch {weights.name}`, or put the right {weights.file} there by hand"
    )
