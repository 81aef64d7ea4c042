"""What every script of the workflow starts with: the job that Snakemake gave it, its log and its photos.

Scripts that run networks start with `network_job`; the others do without torch, which takes seconds to load.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import cv2

import faults
from unripple.files.data import write_json
from unripple.jobs import provenance
from unripple.jobs.batches import Load, Make, Save, process
from unripple.jobs.index import Index, IndexWriter, read_all
from unripple.jobs.journal import facts

if TYPE_CHECKING:
    import torch

#: What Snakemake put into the script that runs: input, output, params, wildcards, threads, log.
snakemake: Any = sys.modules["__main__"].__dict__["snakemake"]


def start() -> None:
    """Send all output into the job's log, and keep to the job's threads; see also `faults`."""
    faults.end_with_run()
    faults.tell_disk_faults(os.dup(sys.stderr.fileno()))
    with Path(snakemake.log[0]).open("w", encoding="utf-8") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
    cv2.setNumThreads(snakemake.threads)
    cv2.ipp.setUseIPP(False)  # Its last digits depend on where an array lies in memory, and on the threads.


def files(name: str) -> list[Path]:
    """The files of one named input of the rule: one, several or none."""
    found = snakemake.input.get(name, [])
    return [Path(file) for file in ([found] if isinstance(found, str) else found)]


def index(name: str) -> Index:
    """The photos behind one named input of the rule, which is an index or several of one folder."""
    return read_all(files(name))


def by_degree(name: str) -> dict[float, Index]:
    """The photos behind one named input of the rule, whose indexes lie in a folder for each degree."""
    folders: dict[float, list[Path]] = {}
    for file in files(name):
        folders.setdefault(float(file.parent.name.removeprefix("degree~")), []).append(file)
    return {degree: read_all(indexes) for degree, indexes in folders.items()}


def writer(device: torch.device | None = None) -> IndexWriter:
    """Collects what the job makes, in the folder of its index; ``device``: where its networks run."""
    return IndexWriter(Path(snakemake.output.index), record(device))


def each(
    photos: Iterable[str],
    load: Load,
    make: Make,
    save: Save,
    device: torch.device | None = None,
    *,
    alone: bool = False,
    batch: int | None = None,
) -> NoReturn:
    """Load, make and save every photo (see `unripple.jobs.batches.process`), write the job's index, and end.

    ``device``: where its networks run; None where it has none. ``alone``: ``make`` takes one photo, not a batch.
    ``batch``: photos at a time, if it is not to be found out.
    """
    made = writer(device)
    process(photos, load, make, save, made, None if alone else device, batch)
    end(made)


def end(made: IndexWriter) -> NoReturn:
    """Write the index, with which the job's journal ends, and end the process there and then.

    Were it killed while it tears torch down, Snakemake would delete the index and no journal would be left.
    """
    made.write()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


def record(device: torch.device | None = None) -> dict[str, Any]:
    """How this job makes what it makes."""
    settings = {key: value for key, value in snakemake.wildcards.items() if key != "shard"}
    settings |= {key: value for key, value in snakemake.params.items() if key not in ("code", "photos")}
    return provenance.record(snakemake.rule, settings, snakemake.params.code, snakemake.input, device)


def write_record(device: torch.device | None = None) -> None:
    """Write the record of what a job put beside it: tables, a page; ``device``: where its networks ran."""
    path = Path(snakemake.output.record)
    beside = [Path(file) for file in snakemake.output if Path(file).parent == path.parent and Path(file) != path]
    results = {file.name: facts(file) for file in beside}
    write_json(path, {"results": results, "record": record(device)})


def shared(*indexes: Index) -> Iterator[str]:
    """The photos that are in every index, sorted: a photo that failed in one stage is absent from the next."""
    return (photo for photo in indexes[0] if all(photo in index for index in indexes))


start()
