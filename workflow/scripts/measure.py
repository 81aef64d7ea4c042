"""Measure the edits of a shard at one degree, by every method."""

from pathlib import Path

import pandas as pd

import job
from job import snakemake
from unripple.faces import FaceMeter
from unripple.images import read_mask, read_rgb, resize, to_uint8, write_table
from unripple.index import Index
from unripple.metrics.columns import COLUMNS, KEYS
from unripple.metrics.measure import Exam, Row, Yardsticks
from unripple.weights.st_lpips import load_st_lpips

METHODS = [method for method in snakemake.params.methods if method not in ("e4e", "hfgi")]
SIZE = int(snakemake.wildcards.size)

yardsticks = Yardsticks(FaceMeter(), load_st_lpips())
portraits, originals, edits, mattes, ripples = (
    job.index(name) for name in ("portraits", "originals", "edits", "mattes", "ripples")
)
cleaned = {method: job.index(method) for method in METHODS}
truths = job.index("truths") if snakemake.input.truths else Index(Path())


def exam(photo: str) -> Exam:
    """One photo with its baseline; known plates are judged by the true mattes."""
    known = photo in truths
    before = portraits.path(photo, ".matte.png") if known else originals.path(photo, ".png")
    after = truths.path(photo, ".matte.png") if known else mattes.path(photo, ".png")
    return Exam(
        photo=to_uint8(resize(job.picture(portraits.path(photo, ".png"))[None], SIZE))[0],
        e4e=read_rgb(edits.path(photo, ".e4e.png")),
        hfgi=read_rgb(edits.path(photo, ".hfgi.png")),
        original=resize(job.matte(before)[None], SIZE).clamp(0, 1)[0, 0].numpy(),
        edited=resize(job.matte(after)[None], SIZE).clamp(0, 1)[0, 0].numpy(),
        yardsticks=yardsticks,
        truth=read_rgb(truths.path(photo, ".png")) if known else None,
        made=job.matte(mattes.path(photo, ".png"))[0].numpy(),
    )


def rows(photo: str) -> list[Row]:
    """One row for each method that made a picture of this photo."""
    pictures = {"e4e": edits.path(photo, ".e4e.png"), "hfgi": edits.path(photo, ".hfgi.png")}
    pictures |= {method: made.path(photo, ".png") for method, made in cleaned.items() if photo in made}
    band = read_mask(ripples.path(photo, ".png"))
    photo_exam = exam(photo)
    return [
        {
            "photo": photo,
            "attribute": snakemake.wildcards.attribute,
            "degree": float(snakemake.wildcards.degree),
            "method": method,
            **photo_exam.row(read_rgb(pictures[method]), band),
        }
        for method in snakemake.params.methods
        if method in pictures
    ]


columns = [*KEYS, *(column.key for column in COLUMNS)]
measured = [row for photo in job.shared(portraits, originals, edits, mattes, ripples) for row in rows(photo)]
# A shard in which no photo could be used has a table too, without rows.
write_table(Path(snakemake.output.rows), pd.DataFrame(measured) if measured else pd.DataFrame(columns=columns))
job.write_record()
