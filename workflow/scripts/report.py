"""Draw the strips, the overview and the page of the study."""

from pathlib import Path

import pandas as pd

import job
from job import snakemake
from unripple.images import atomic, read_mask, read_rgb, resize, to_uint8, write_rgb
from unripple.index import Index
from unripple.report.overview import draw_overview
from unripple.report.page import Facts, draw_page
from unripple.report.pictures import EditPictures, FacePictures
from unripple.report.strip import draw_strip

settings = snakemake.params.settings
attribute, size = settings["edit"]["attribute"], settings["images"]["size"]
portraits, inversions = job.index("portraits"), job.index("inversions")
edits, ripples, truths = (job.by_degree(name) for name in ("edits", "ripples", "truths"))
cleaned = {method: job.by_degree(method) for method in settings["methods"] if method not in ("e4e", "hfgi")}


def edit_pictures(photo: str, degree: float) -> EditPictures:
    """One face at one degree, by all methods that made a picture of it."""
    paths = {
        method: edits[degree].path(photo, f".{method}.png") for method in settings["methods"] if method not in cleaned
    }
    paths |= {method: made[degree].path(photo, ".png") for method, made in cleaned.items() if photo in made[degree]}
    truth = truths.get(degree, Index(Path()))
    return EditPictures(
        degree=degree,
        methods={method: read_rgb(path) for method, path in paths.items()},
        mask=read_mask(ripples[degree].path(photo, ".png")) if photo in ripples[degree] else None,
        truth=read_rgb(truth.path(photo, ".png")) if photo in truth else None,
    )


def face_pictures(photo: str) -> FacePictures:
    """All pictures of one face."""
    return FacePictures(
        name=photo,
        photo=to_uint8(resize(job.picture(portraits.path(photo, ".png"))[None], size))[0],
        inversion=read_rgb(inversions.path(photo, ".hfgi.png")),
        edits=tuple(edit_pictures(photo, degree) for degree, made in edits.items() if photo in made),
    )


def shown_settings() -> dict[str, str]:
    """The settings as a reader looks for them: section.key -> value."""
    shown: dict[str, str] = {}
    for name, value in settings.items():
        keys = {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
        shown |= {key: ", ".join(map(str, v)) if isinstance(v, list) else str(v) for key, v in keys.items()}
    return shown


faces = [face_pictures(photo) for photo in job.shared(portraits, inversions)]
strips = job.writer()
for face in faces:
    with strips.photo(face.name) as files:
        write_rgb(files.path(".png"), draw_strip(face, attribute=attribute))
write_rgb(Path(snakemake.output.overview), draw_overview(faces, attribute=attribute))

put_aside = pd.read_csv(snakemake.input.quarantine)
facts = Facts(
    networks=job.models().networks_used(),
    settings=shown_settings(),
    put_aside=dict(zip(put_aside["photo"].astype(str), put_aside["reason"], strict=True)),
    attribute=attribute,
)
table, summary = pd.read_csv(snakemake.input.metrics), pd.read_csv(snakemake.input.summary)
with atomic(Path(snakemake.output.page)) as temporary:
    page = draw_page(faces, table, summary, facts, methods=settings["methods"], side=size)
    temporary.write_text(page, encoding="utf-8")
strips.write()
