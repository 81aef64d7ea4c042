"""How a result was made: the record in its index, the chain back to photo and weights, and what differs between two.

A record holds nothing that would make equal results differ: no clock time, no user, no host's name, no absolute path.
How long a job took is in its benchmark under ``logs``, at the path that its index has under ``results``.
"""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from unripple.files.checksum import sha256
from unripple.files.links import followed
from unripple.jobs import damage, fingerprint
from unripple.jobs.index import BrokenIndex

if TYPE_CHECKING:
    import torch

#: Packages whose versions may change a picture or a number.
PACKAGES = (*sorted(fingerprint.COMPUTING.values()), "pandas")


def record(
    stage: str,
    settings: Mapping[str, Any],
    code: str,
    inputs: Iterable[str],
    device: torch.device | None = None,
) -> dict[str, Any]:
    """The record of one job.

    Args:
        stage: the rule.
        settings: what the job was told; values of JSON's types. ``precision`` and ``settings.seed`` are listed apart
            too; without them it computed in float32, and drew nothing at random.
        code: the fingerprint of the code that it reached (``fingerprint.code_hash``).
        inputs: files that it read. Weights (``.safetensors``) are listed by name, others by path.
        device: where its networks ran; None where it had none. The host counts by its kind, with a network by the
            instructions that torch uses, too: they may change the last bits of a number.
    """

    files = sorted(set(inputs))
    return {
        "stage": stage,
        "settings": {key: _plain(value) for key, value in sorted(settings.items())},
        "code": code,
        "weights": {PurePath(file).name: sha256(Path(file)) for file in files if file.endswith(".safetensors")},
        "inputs": {relative(file): sha256(Path(file)) for file in files if not file.endswith(".safetensors")},
        "packages": {package: _version(package) for package in PACKAGES},
        "device": _device(device),
        "host": _host(device),
        "precision": settings.get("precision", "float32"),
        "seed": settings.get("settings", {}).get("seed"),
    }


def relative(file: str) -> str:
    """A path in the project as it is; of a file elsewhere its name alone."""
    return PurePath(file).name if PurePath(file).is_absolute() or ".." in PurePath(file).parts else file


def seconds(file: Path) -> float | None:
    """How long the job took that wrote an index or record file under ``results``; None where no log tells."""
    name = file.name.removesuffix(".json").removesuffix(".record")
    log = Path("logs", *file.parts[1:]).with_name(f"{name}.tsv")
    try:
        with log.open(encoding="utf-8", newline="") as table:
            return float(list(csv.DictReader(table, delimiter="\t"))[-1]["s"])
    except (OSError, IndexError, KeyError, ValueError):
        return None


@dataclass(frozen=True)
class Step:
    """One job in the chain of a result: its index or record file, its record, and the jobs before it."""

    file: Path
    record: dict[str, Any]
    before: tuple[Step, ...] = field(default=())

    def walk(self) -> Iterator[Step]:
        """This step, then those before it; each file once."""
        seen: set[Path] = set()
        waiting = [self]
        while waiting:
            step = waiting.pop(0)
            if step.file not in seen:
                seen.add(step.file)
                yield step
                waiting += step.before


def find(result: Path) -> Path:
    """The index or record file behind a result: a picture, a table, a page, or such a file itself.

    Raises ``BrokenIndex`` where nothing tells of it.
    """
    result = followed(result)
    if not result.is_file():
        raise BrokenIndex(f"{result}: no such file; name a picture or a table of a finished study")
    for path in sorted(result.parent.glob("*.json")):
        content = _content(path)
        files = {name for made in content.get("made", {}).values() for name in made} | set(content.get("results", ()))
        if "record" in content and (path == result or result.name in files):
            return path
    raise BrokenIndex(f"{result}: no index or record beside it lists it; was it made by a study of this version?")


def chain(file: Path, known: dict[Path, Step] | None = None) -> Step:
    """The job that wrote an index or record file, with all that came before it. Raises ``BrokenIndex``."""
    known = {} if known is None else known
    if file not in known:
        content = _content(file)
        if "record" not in content:
            raise BrokenIndex(f"{file}: holds no record; run its stage again")
        before = dict.fromkeys(damage.teller(name) for name in content["record"]["inputs"])
        steps = tuple(chain(path, known) for path in before if path.is_file() and "record" in _content(path))
        known[file] = Step(file, content["record"], steps)
    return known[file]


def stale(step: Step) -> list[str]:
    """Inputs of a job that are gone or changed since it ran, each with what was found."""
    found = []
    for name, expected in step.record["inputs"].items():
        path = Path(name)
        if path.is_absolute() or "/" not in name:
            continue  # a photo from elsewhere, of which the record has the name alone
        if not path.is_file():
            found.append(f"{name}: gone")
        elif sha256(path) != expected:
            found.append(f"{name}: changed")
    return found


def differences(first: Step, second: Step) -> list[tuple[str, str, str]]:
    """What differs between the jobs behind two results: ``(what, in the first, in the second)``.

    Steps are compared stage by stage; of several jobs of a stage (shards, degrees) the first counts.
    """
    left, right = _by_stage(first), _by_stage(second)
    found = []
    for key in sorted(left.keys() | right.keys()):
        one, other = left.get(key, "–"), right.get(key, "–")
        if one != other:
            found.append((key, one, other))
    return found


def settings(last: Step) -> dict[str, Any]:
    """What ``params.yaml`` must say to make a result again, as far as records tell: section -> key -> value.

    What its path spells is not needed: only of many degrees there is no more than a checksum. Of photos from elsewhere
    the name of the folder alone is known, and left out.
    """
    found: dict[str, Any] = {"study": {}}
    for step in reversed(list(last.walk())):
        recorded, parts = step.record["settings"], step.file.parts
        if len(parts) > 3 and parts[1] in ("lite", "published"):
            found["models"], found["study"]["name"] = parts[1:3]
        if step.record["stage"] in ("known_plate_codes", "known_plate", "align"):
            found["study"] |= recorded.get("settings", {})
        if "methods" in recorded:
            found["methods"] = recorded["methods"]
        if step.record["stage"] == "report":
            external = recorded["settings"].get("external", {})
            there = {name: folder for name, folder in external.items() if Path(folder).expanduser().is_dir()}
            return {**recorded["settings"], "external": there}
    if isinstance(degrees := last.record["settings"].get("degrees"), list):
        found["edit"] = {"degrees": degrees}
    if not Path(found["study"].get("photos", "")).expanduser().exists():
        del found["study"]["photos"]
    return found


def _by_stage(last: Step) -> dict[str, str]:
    flat: dict[str, str] = {}
    for step in last.walk():
        stage = step.record["stage"]
        if f"{stage}: code" in flat:
            continue
        for part in ("settings", "weights", "packages"):
            flat.update((f"{stage}: {part} {key}", str(value)) for key, value in step.record[part].items())
        flat.update((f"{stage}: {part}", str(step.record[part])) for part in ("code", "device", "host"))
        for name, checksum in step.record["inputs"].items():
            if not name.endswith(".json"):
                flat[f"{stage}: input {name}"] = checksum
    return flat


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _plain(value: Any) -> Any:
    """A setting without absolute paths."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return relative(value) if isinstance(value, str) else value


def _device(device: torch.device | None) -> str:
    if device is not None and device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    return "cpu"


def _host(device: torch.device | None) -> str:
    host = f"{platform.system()} {platform.machine()}"
    if device is None:
        return host
    import torch

    return f"{host} {torch.backends.cpu.get_cpu_capability()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
