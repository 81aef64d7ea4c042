"""Put what a reader asks for first where it is always found: the summary, the metrics, the way to the page."""

from pathlib import Path

import pandas as pd

import job
from unripple.files.atomic import atomic
from unripple.files.tables import write_table

inputs, outputs = job.snakemake.input, job.snakemake.output

summary = pd.read_csv(inputs.table)
by_degree = summary[(summary["metric"] == "ripple_energy") & summary["stratum"].str.startswith("degree ")]
energy = by_degree.pivot(index="stratum", columns="method", values="mean").rename_axis(columns=None)
energy.insert(0, "degree", energy.index.str.removeprefix("degree ").astype(float))
write_table(Path(outputs.energy), energy.sort_values("degree"))

with atomic(Path(outputs.metrics)) as temporary:
    temporary.write_bytes(Path(inputs.metrics).read_bytes())
with atomic(Path(outputs.summary)) as temporary:
    text = Path(inputs.text).read_text(encoding="utf-8")
    places = f"Page:     {inputs.page}\nOverview: {inputs.overview}\nTable:    {inputs.table}\n"
    temporary.write_text(f"{text}\n{places}", encoding="utf-8")

job.write_record()
