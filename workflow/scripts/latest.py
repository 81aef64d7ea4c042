"""Put what a reader asks for first where it is always found: summary, metrics, page, pictures, what was put aside."""

from pathlib import Path

import pandas as pd

import job
from job import snakemake
from unripple.files import links
from unripple.files.atomic import atomic
from unripple.files.tables import write_table
from unripple.metrics.table import read_table
from unripple.report import results_folder

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
folder = Path(outputs.pictures).parent
by_degree = {family: job.by_degree(family) for family in ("edits", "ripples", "truths", *params.cleaned)}
portraits, inversions = job.index("portraits"), job.index("inversions")

wanted = {f"{photo}/photo.png": portraits.path(photo, ".png") for photo in portraits}
wanted |= {f"{photo}/inversion.png": inversions.path(photo, ".hfgi.png") for photo in inversions}
for family, made in by_degree.items():
    names = {"ripples": "mask", "truths": "truth"}
    endings = {method: f".{method}.png" for method in params.edited} if family == "edits" else {family: ".png"}
    for degree, pictures in made.items():
        for name, ending in endings.items():
            short = f"{params.attribute}{degree:+g}.{names.get(name, name)}.png"
            wanted |= {f"{photo}/{short}": pictures.path(photo, ending) for photo in pictures}
links.show(folder, wanted)
with atomic(Path(outputs.pictures)) as temporary:
    temporary.write_text(f"{params.study}\n", encoding="utf-8")

table = pd.read_csv(inputs.table)
energy_rows = table[(table["metric"] == "ripple_energy") & table["stratum"].str.startswith("degree ")]
energy = energy_rows.pivot(index="stratum", columns="method", values="mean").rename_axis(columns=None)
energy.insert(0, "degree", energy.index.str.removeprefix("degree ").astype(float))
write_table(Path(outputs.energy), energy.sort_values("degree"))

quarantine = read_table(inputs.quarantine)
photos_put_aside = results_folder.of_photos(quarantine)
write_table(Path(outputs.quarantine), results_folder.put_aside(quarantine))
for source, target in (
    (inputs.metrics, outputs.metrics),
    (inputs.table, outputs.table),
    (inputs.real, outputs.real),
    (inputs.inversion, outputs.inversion),
):
    with atomic(Path(target)) as temporary:
        temporary.write_bytes(Path(source).read_bytes())
with atomic(Path(outputs.page)) as temporary:
    temporary.write_text(results_folder.lead_to(Path(inputs.page), Path(outputs.page), params.study), encoding="utf-8")
with atomic(Path(outputs.summary)) as temporary:
    text = "\n".join(Path(file).read_text(encoding="utf-8") for file in (inputs.text, inputs.inversion_text))
    places = results_folder.ending(
        params.study,
        len(results_folder.put_aside(photos_put_aside)),
        page=Path(outputs.page),
        pictures=folder,
        table=Path(outputs.table),
        beside=(Path(outputs.real), Path(outputs.inversion)),
        quarantine=Path(outputs.quarantine),
        owed=len(quarantine) - len(photos_put_aside),
    )
    temporary.write_text(f"{text}\n{places}", encoding="utf-8")

job.write_record()
