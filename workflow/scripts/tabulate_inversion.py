"""Join what was measured on the inversions of all shards."""

from pathlib import Path

import job
from job import snakemake
from unripple.files.atomic import atomic
from unripple.files.tables import write_table
from unripple.metrics.inversion_table import inversion_text, summarise_inversion
from unripple.metrics.table import read_table

settings = snakemake.params.settings
rows = [row for file in (*job.files("rows"), *job.files("consistency")) for row in read_table(file).to_dict("records")]
summary = summarise_inversion(rows, resamples=settings["bootstrap"], seed=settings["seed"])
write_table(Path(snakemake.output.table), summary)
with atomic(Path(snakemake.output.text)) as temporary:
    temporary.write_text(inversion_text(summary), encoding="utf-8")
job.write_record()
