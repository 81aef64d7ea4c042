"""Draw the strips, the overview and the page of the study."""

from pathlib import Path

import job
from job import snakemake
from unripple.files.atomic import atomic
from unripple.files.pictures import read_mask, read_rgb, reduced, write_rgb
from unripple.jobs.index import Index
from unripple.metrics.photo_sets import with_truth
from unripple.metrics.table import read_table
from unripple.models.names import NETWORKS
from unripple.report.cases import by_importance
from unripple.report.gallery import Gallery
from unripple.report.overview import MOST, SIDE, draw_overview
from unripple.report.page import Facts, draw_page
from unripple.report.pictures import EditPictures, FacePictures, spread
from unripple.report.recipes import Recipes
from unripple.report.results_folder import of_photos
from unripple.report.side_tables import inversions as inversion_tables
from unripple.report.side_tables import real_photos
from unripple.report.strip import draw_strip
from unripple.report.words import reasons
from unripple.settings.columns import ST_LPIPS

settings = snakemake.params.settings
methods = [*settings["methods"], *settings["external"]]
attribute, size = snakemake.wildcards.attribute, settings["images"]["size"]
portraits, inversions = job.index("portraits"), job.index("inversions")
edits, ripples, truths = (job.by_degree(name) for name in ("edits", "ripples", "truths"))
cleaned = {method: job.by_degree(method) for method in methods if method not in ("e4e", "hfgi")}


def edit_pictures(photo: str, degree: float) -> EditPictures:
    """One face at one degree, by all methods that made a picture of it."""
    paths = {method: edits[degree].path(photo, f".{method}.png") for method in methods if method not in cleaned}
    paths |= {method: made[degree].path(photo, ".png") for method, made in cleaned.items() if photo in made[degree]}
    if photo in ripples[degree]:
        paths["mask"] = ripples[degree].path(photo, ".png")
    if photo in (truth := truths.get(degree, Index(Path()))):
        paths["truth"] = truth.path(photo, ".png")
    pictures = {name: read_rgb(path) for name, path in paths.items() if name != "mask"}
    return EditPictures(
        degree=degree,
        methods={method: pictures[method] for method in methods if method in pictures},
        mask=read_mask(paths["mask"]) if "mask" in paths else None,
        truth=pictures.get("truth"),
        files=paths,
    )


def face_pictures(photo: str) -> FacePictures:
    """All pictures of one face."""
    files = {"photo": portraits.path(photo, ".png"), "inversion": inversions.path(photo, ".hfgi.png")}
    return FacePictures(
        name=photo,
        photo=reduced(read_rgb(files["photo"]), size),
        inversion=read_rgb(files["inversion"]),
        edits=tuple(edit_pictures(photo, degree) for degree, made in edits.items() if photo in made),
        files=files,
    )


def shown_settings() -> dict[str, str]:
    """The settings as a reader looks for them: section.key -> value."""
    shown: dict[str, str] = {}
    for name, value in settings.items():
        keys = {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
        shown |= {key: ", ".join(map(str, v)) if isinstance(v, list) else str(v) for key, v in keys.items()}
    return shown


table, summary, sets, put_aside, real, inverted = (
    read_table(snakemake.input[name]) for name in ("metrics", "summary", "sets", "quarantine", "real", "inverted")
)
judged = with_truth(table)
networks = {**NETWORKS[settings["models"]], **snakemake.params.own}
networks |= {
    "perceptual distance": ST_LPIPS,
    "identity, landmarks": "dlib face-recognition ResNet, 68 landmarks",
    "person in the band": "BlazePose",
}
networks |= {"distances of sets": ", ".join(map(str, sets["extractor"].unique()))} if len(sets) else {}
families = ["portraits", "inversions", "edits", "ripples", "truths", *cleaned]
# A face whose edits all failed has nothing to show but its reasons, among the photos put aside.
photos = [photo for photo in job.shared(portraits, inversions) if any(photo in made for made in edits.values())]
gallery = Gallery(
    table,
    [*dict.fromkeys([*by_importance(judged, methods), *by_importance(table, methods)])],
    Path(snakemake.output.page).parent,
    Recipes([file for name in families for file in job.files(name)], networks),
)
# One face after the other: a large study is never in memory as a whole.
strips, on_sheet, sheet = job.writer(), set(spread(photos)[:MOST]), []
undrawn = set(strips.remaining(photos))
for photo in photos:
    face = face_pictures(photo)
    if photo in undrawn:
        with strips.photo(photo) as files:
            write_rgb(files.path(".png"), draw_strip(face, attribute=attribute))
    gallery.add(face)
    if photo in on_sheet:
        sheet.append(face.reduced(SIDE))
write_rgb(Path(snakemake.output.overview), draw_overview(sheet, attribute=attribute))

facts = Facts(
    networks=networks,
    settings=shown_settings(),
    put_aside=reasons(of_photos(put_aside)),
    owed=reasons(put_aside.drop(of_photos(put_aside).index)),
    packages=job.record()["packages"],
    attribute=attribute,
)
with atomic(Path(snakemake.output.page)) as temporary:
    beside = [*real_photos(real, summary, methods), *inversion_tables(inverted)]
    page = draw_page(gallery, judged, summary, sets, facts, methods=methods, beside=beside)
    temporary.write_text(page, encoding="utf-8")
job.write_record()
job.end(strips)
