"""Rank the settings that were compared, as a table, a text and a plot."""

from pathlib import Path

import job
from job import snakemake
from unripple.files.atomic import atomic
from unripple.files.tables import write_table
from unripple.metrics.ranking import rank, rank_text
from unripple.metrics.table import read_table
from unripple.report.ranking_plot import draw_ranking

labels, settings = snakemake.params.labels, snakemake.params.settings
ranking = rank(
    [read_table(file) for file in snakemake.input.tables],
    labels,
    snakemake.params.methods,
    settings["rank"],
    reference=snakemake.params.reference,
    resamples=settings["bootstrap"],
    seed=settings["seed"],
)
names = list(labels[0])
write_table(Path(snakemake.output.ranking), ranking)
with atomic(Path(snakemake.output.text)) as temporary:
    temporary.write_text(rank_text(ranking, names, settings["rank"]), encoding="utf-8")
with atomic(Path(snakemake.output.plot)) as temporary:
    draw_ranking(ranking, names, settings["rank"], temporary)
job.write_record()
