"""Measure the edits of a shard at one degree, by every method."""

import json
from pathlib import Path

import pandas as pd

import job
import network_job  # noqa: F401 - its threads
from job import snakemake
from unripple.files.data import write_arrays
from unripple.files.pictures import read_mask, read_matte, read_rgb, reduced, reduced_matte
from unripple.files.tables import write_table
from unripple.jobs.index import Index
from unripple.metrics.features import Features
from unripple.metrics.measure import Exam, MetricNetworks, Row
from unripple.models.devices import chosen_device
from unripple.settings.columns import COLUMNS, KEYS

METHODS = [*snakemake.params.methods, *snakemake.params.external]
SIZE, DEGREE = int(snakemake.wildcards.size), float(snakemake.wildcards.degree)

inception = job.files("inception")
device = chosen_device()
networks = MetricNetworks.load(device, inception[0] if inception else None)
portraits, originals, edits, mattes, ripples = (
    job.index(name) for name in ("portraits", "originals", "edits", "mattes", "ripples")
)
cleaned = {method: job.index(method) for method in METHODS if method not in ("e4e", "hfgi")}
truths = job.index("truths") if snakemake.input.truths else Index(Path())


def exam(photo: str) -> Exam:
    """One photo with its baseline; the study's own mattes are those that a known-plate picture was composed with."""
    known = photo in truths
    before = portraits.path(photo, ".matte.png") if known else originals.path(photo, ".png")
    after = truths.path(photo, ".matte.png") if known else mattes.path(photo, ".png")
    return Exam(
        photo=reduced(read_rgb(portraits.path(photo, ".png")), SIZE),
        e4e=read_rgb(edits.path(photo, ".e4e.png")),
        hfgi=read_rgb(edits.path(photo, ".hfgi.png")),
        original=reduced_matte(read_matte(before), SIZE),
        edited=reduced_matte(read_matte(after), SIZE),
        networks=networks,
        truth=read_rgb(truths.path(photo, ".png")) if known else None,
        made=read_matte(mattes.path(photo, ".png")),
        judge=snakemake.wildcards.regions,
        degree=DEGREE,
    )


rows: list[Row] = []
features = Features(networks.extractor)
for photo in job.shared(portraits, originals, edits, mattes, ripples):
    edit = {"photo": photo, "attribute": snakemake.wildcards.attribute, "degree": DEGREE}
    plate = json.loads(portraits.path(photo, ".json").read_text(encoding="utf-8")).get("plate")
    pictures = {"e4e": edits.path(photo, ".e4e.png"), "hfgi": edits.path(photo, ".hfgi.png")}
    pictures |= {method: made.path(photo, ".png") for method, made in cleaned.items() if photo in made}
    wanted = {method: read_rgb(pictures[method]) for method in METHODS if method in pictures}
    measured = exam(photo).measure(wanted, read_mask(ripples.path(photo, ".png")))
    rows += [{**edit, "method": method, "plate": plate, **found.row} for method, found in measured.items() if found.row]
    features.add(edit, {method: found.feature for method, found in measured.items()})

# A shard in which no photo could be used has a table too, without rows.
columns = [*KEYS, *(column.key for column in COLUMNS)]
write_table(Path(snakemake.output.rows), pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns))
write_arrays(Path(snakemake.output.features), features.arrays())
job.write_record(device)
