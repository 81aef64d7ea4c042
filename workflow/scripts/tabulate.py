"""Join the measurements of all shards and degrees, compare the methods, list what was put aside."""

from pathlib import Path, PurePath
from typing import Any

import pandas as pd

import job
from job import snakemake
from unripple.files.atomic import atomic
from unripple.files.data import write_json
from unripple.files.tables import write_table
from unripple.jobs.index import read
from unripple.metrics.features import read_features
from unripple.metrics.photo_sets import real_text, summarise_real, with_truth
from unripple.metrics.sets import set_distances, sets_text
from unripple.metrics.table import ALL, farthest, metrics_json, metrics_table, read_table, render, summarise
from unripple.report import results_folder
from unripple.settings.columns import TRUTH

settings = snakemake.params.settings
rows: list[dict[Any, Any]] = [row for file in snakemake.input.rows for row in read_table(file).to_dict("records")]
if not rows:
    raise ValueError(f"{snakemake.output.metrics}: expected measured photos, found none: no photo could be used")
table = metrics_table(rows)
resampled = {"resamples": settings["bootstrap"], "seed": settings["seed"]}
judged = with_truth(table)
summary, real = summarise(judged, **resampled), summarise_real(table, **resampled)
sets = set_distances(*read_features(Path(file) for file in snakemake.input.features))

found = snakemake.params.photos
put_aside = pd.DataFrame(
    sorted(
        [
            (photo, str(Path(file).relative_to("results").parent), reason, found["photos"].get(photo, ""))
            for file in snakemake.input.indexes
            for photo, reason in read(Path(file)).failed.items()
        ]
        + [(PurePath(file).name, "photos", reason, file) for file, reason in found["left_out"].items()]
    ),
    columns=["photo", "stage", "reason", "file"],
)
failed = len(results_folder.of_photos(put_aside)[["photo", "file"]].drop_duplicates())

write_table(Path(snakemake.output.metrics), table)
write_table(Path(snakemake.output.summary), summary)
write_table(Path(snakemake.output.real), real)
write_table(Path(snakemake.output.quarantine), put_aside)
write_table(Path(snakemake.output.sets), sets)
write_json(Path(snakemake.output.json), metrics_json(summary, sets, failed))
shown = [*snakemake.params.methods, *snakemake.params.external, *([TRUTH] if (table["method"] == TRUTH).any() else [])]
with atomic(Path(snakemake.output.text)) as temporary:
    texts = [render(summary, stratum=stratum, methods=shown, failed=failed) for stratum in (ALL, farthest(judged))]
    texts.append(sets_text(sets))
    if len(judged) < len(table):
        texts.append(real_text(real, table, shown))
    temporary.write_text("\n".join(texts), encoding="utf-8")
job.write_record()
