"""A finished study in one folder that is kept: tables, page, settings, records; without what lies between.

The folder holds

* ``summary.txt``, ``metrics.json``, ``ripple_energy.csv``, ``inversion.csv``: what the study left in ``results``;
* ``params.yaml``: the settings in force, whatever files and arguments they came from;
* ``tables/``, ``report/``: the tables, the page and its pictures;
* ``records/``: the index or record of every job behind them, at its path.

Equal studies give equal archives. DVC has the checksum of every file, once it is told of the folder: ``dvc add``.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from unripple.jobs import damage, index, provenance
from unripple.report import results_folder


class ArchiveError(ValueError):
    """An archive cannot be written; the message says why and what to do."""


def write(folder: Path) -> Path:
    """Archive the study that ran last; returns the folder.

    Raises ``ArchiveError`` if the folder exists, ``results_folder.NoStudy`` if there is no study and
    ``index.BrokenIndex`` if a table or picture is not what its record says.
    """
    if folder.exists():
        raise ArchiveError(f"{folder}: exists already; archives are not written over, take another name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        _fill(Path(temporary, folder.name))
        Path(temporary, folder.name).rename(folder)
    return folder


def _fill(folder: Path) -> None:
    places = results_folder.places()
    tables, report = places["table"].parent, places["page"].parent
    last = [provenance.chain(provenance.find(places[name])) for name in ("table", "page")]
    steps = {step.file: step for one in last for step in one.walk()}
    for file in (*(step.file for step in last), report / "strips/index.json"):
        _check(file)
    for name in ("summary.txt", "metrics.json", "ripple_energy.csv", "inversion.csv"):
        _copy(results_folder.SUMMARY.with_name(name), folder / name)
    for source, name in ((tables, "tables"), (report, "report")):
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            _copy(file, folder / name / file.relative_to(source))
    for file in steps:
        _copy(file, folder / "records" / file)
    settings = last[1].record["settings"]["settings"]
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _check(file: Path) -> None:
    for name, expected in damage.listed(damage.read(file)).items():
        index.check(file.parent / name, expected)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
