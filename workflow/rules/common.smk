import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import Wildcards
from snakemake.logging import logger

from unripple.files import checksum
from unripple.jobs import allocator
from unripple.jobs.fingerprint import code_hash
from unripple.photos import names, outside, shards
from unripple.photos.album import Album, find
from unripple.settings import parameters as settings
from unripple.settings import inpainters, parsing, sweep
from unripple.settings.attributes import is_named
from unripple.weights import own, roles
from unripple.weights.published import unmet

allocator.for_children()


def plain(file):
    """Whether Snakemake takes a file's path as it is; in others it looks for wildcards and variables."""
    return re.fullmatch(r"[\w .,+=@()/-]+", file) is not None


def odd_direction(file):
    """Why a file cannot be a study's direction, if it cannot."""
    if not file.is_file():
        return ["no such file"]
    return [] if plain(str(file)) else ["expected a path of letters, digits and the signs . , + = @ ( ) / - _"]


# Snakemake leaves the interpreter unquoted in a job's command. Jobs start in this folder, and seen from here the path of
# .venv has no space in it, whatever the folder is called.
if shlex.quote(sys.executable) != sys.executable:
    sys.executable = shlex.quote(os.path.relpath(sys.executable))

sweep_file = config.get("sweep")
chosen = {key: value for key, value in config.items() if key != "sweep"}

try:
    for file in dict.fromkeys(
        workflow.configfiles
    ):  # Snakemake has merged them, and lost a section that is there twice
        settings.read_file(Path(os.path.relpath(file)))
    study = settings.check(chosen, " over ".join(Path(file).name for file in dict.fromkeys(workflow.configfiles)))
    compared = [] if sweep_file is None else sweep.load(Path(sweep_file), chosen)
except settings.ConfigError as error:
    raise WorkflowError(str(error)) from None

studies = [study, *(one.study for one in compared)]
lacking = []
try:
    album = find(
        Path(study.study.photos), study.study.split, cache=Path(".snakemake/archives"), examples=study.study.examples
    )
except names.PhotosError as error:
    album = Album({})
    lacking.append(str(error))
if study.models == "published" and (lacking or unmet.unmet(roles.PUBLISHED, studies)):
    from unripple.weights.published import missing  # with torch, which other studies do not load here

    lacking += [*missing.missing_weights(roles.PUBLISHED, studies), missing.about_photos(study)]
lacking += own.missing_own(Path("models", study.models), study.models, studies)
if workflow.local_exec and any(one.compute.precision == "bfloat16" for one in studies):
    from unripple.models import devices  # with torch

    try:
        devices.refuse_slow("bfloat16", devices.chosen_device())
    except ValueError as error:
        lacking.append(str(error))
lacking += [
    f"params.yaml: external.{name} = {folder}: no such folder; unripple portraits writes what its pictures are made from"
    for name, folder in study.external.items()
    if not Path(folder).expanduser().is_dir()
]
lacking += [
    f"params.yaml: edit.attribute = {file}: {reason}"
    for file in dict.fromkeys(one.edit.attribute for one in studies if not is_named(one.edit.attribute))
    for reason in odd_direction(Path(file))
]
if lacking:
    raise WorkflowError("\n\n".join(lacking))
photos = album.photos
if album.lacking and workflow.is_main_process:
    logger.warning(f"{study.study.photos}: {album.lacking} photos of study.split = {study.study.split} are not there")
if album.left_out and workflow.is_main_process:
    first = [f"  {names.printable(file)}: {reason}" for file, reason in list(album.left_out.items())[:5]]
    more = ["  …"] if len(album.left_out) > len(first) else []
    found = f"{study.study.photos}: files that are left out: {len(album.left_out)}; quarantine.csv lists them all"
    logger.warning("\n".join([found, *first, *more]))

MODELS = f"models/{study.models}"
TRAINING = "results/training"
TRAINED = f"{TRAINING}/models"
RESULTS = f"results/{study.models}/{study.study.name}"

# Where each family of results lies. Its path spells every setting that it depends on, so that studies with other
# settings stand side by side and share what they have in common.
SIZED = f"{RESULTS}/size~{{size}}"
INVERTED = f"{SIZED}/invert~{{invert}}"
BAND = "parse~{parse}/threshold~{threshold}/original~{original}/operation~{operation}/dilate~{dilate}"
PLATE = "parse~{parse}/threshold~{threshold}/dilate~{dilate}/inpaint~{inpaint}"
EDITED = "attribute~{attribute}/degree~{degree}/shard~{shard}.json"
TRUTHS = f"{SIZED}/truth/{EDITED}"
INVERSIONS = f"{INVERTED}/inversions/shard~{{shard}}.json"
COMPUTED = f"{INVERTED}/precision~{{precision}}"
EDITS = f"{COMPUTED}/edits/{EDITED}"
MATTES = f"{COMPUTED}/mattes/edit/parse~{{parse}}/{EDITED}"
MATTES_OF = {
    "photo": f"{SIZED}/mattes/photo/parse~{{parse}}/shard~{{shard}}.json",
    "inversion": f"{INVERTED}/mattes/inversion/parse~{{parse}}/shard~{{shard}}.json",
}
RIPPLES = f"{COMPUTED}/ripples/{BAND}/{EDITED}"
FILLS = f"{COMPUTED}/fills/{BAND}/inpaint~{{inpaint}}/{EDITED}"
PLATES = f"{SIZED}/plates/{PLATE}/shard~{{shard}}.json"
MOTIONS = f"{COMPUTED}/motion/{EDITED}"
LAYERED = f"{COMPUTED}/layered/parse~{{parse}}/{EDITED}"
OWN_PLATE = "parse~{parse}/grow~{grow}/inpaint~{inpaint}"
LAYERED_PLATES = f"{COMPUTED}/plates/{OWN_PLATE}/{EDITED}"
CLEANED = {
    "ripple_inpaint": f"{COMPUTED}/cleaned/method~ripple_inpaint/{BAND}/inpaint~{{inpaint}}/feather~{{feather}}/{EDITED}",
    "split_composite": f"{COMPUTED}/cleaned/method~split_composite/{PLATE}/{EDITED}",
    "layered": f"{COMPUTED}/cleaned/method~layered/{OWN_PLATE}/{EDITED}",
    "unripple": f"{COMPUTED}/cleaned/method~unripple/{OWN_PLATE}/detail~{{detail}}/{EDITED}",
    "ada_pose": f"{COMPUTED}/cleaned/method~ada_pose/{EDITED}",
    "motion_fusion": f"{COMPUTED}/cleaned/method~motion_fusion/{EDITED}",
    "bitwise_or": f"{COMPUTED}/cleaned/method~bitwise_or/parse~{{parse}}/threshold~{{threshold}}/original~{{original}}/{EDITED}",
}
# Person and background joined inside the generator, each in its way.
FUSIONS = f"{COMPUTED}/cleaned/method~{{fusion}}/parse~{{parse}}/grow~{{grow}}/{EDITED}"
FUSED = ("region_fusion", "style_fusion")
CLEANED |= {name: FUSIONS.replace("{fusion}", name) for name in FUSED}
# Methods from outside clean like the others; their pictures depend on none of the study's networks.
EXTERNAL = f"{SIZED}/external/method~{{external}}/{EDITED}"
CLEANED |= {name: EXTERNAL.replace("{external}", name) for name in study.external}
METHODS = [*study.methods, *study.external]
MEASURED = f"attribute~{{attribute}}/{BAND}/inpaint~{{inpaint}}/feather~{{feather}}/grow~{{grow}}/detail~{{detail}}/regions~{{regions}}"
ROWS = f"{COMPUTED}/rows/{MEASURED}/degree~{{degree}}.shard~{{shard}}.csv"
FEATURES = ROWS.replace(".csv", ".features.npz")
RECORDS = ROWS.replace(".csv", ".record.json")
TABLES = f"{COMPUTED}/tables/{MEASURED}/degrees~{{degrees}}"
INVERSION_ROWS = f"{INVERTED}/inversion-rows/shard~{{shard}}.csv"
CONSISTENCY_ROWS = f"{COMPUTED}/consistency/attribute~{{attribute}}/degree~{{degree}}.shard~{{shard}}.csv"
INVERSION_TABLE = f"{COMPUTED}/inversion/attribute~{{attribute}}/degrees~{{degrees}}"
REPORT = f"{COMPUTED}/report/{MEASURED}/degrees~{{degrees}}"

# What a reader looks for, about the study that ran last. Beside it, results/pictures shows its pictures by person.
LATEST = {
    "summary": "results/summary.txt",
    "table": "results/summary.csv",
    "page": "results/index.html",
    "pictures": "results/pictures/.study",
    "quarantine": "results/quarantine.csv",
    "metrics": "results/metrics.json",
    "energy": "results/ripple_energy.csv",
    "inversion": "results/inversion.csv",
    "real": "results/photos.csv",
}

# The photos of each shard: the known-plate set, and real ones with their files.
KNOWN_PLATE = shards.occupied(names.known_plate_names(study.study.known_plate), study.study.shards)
REAL = shards.occupied({*photos, *study.study.examples}, study.study.shards)
SHARDS = sorted({*KNOWN_PLATE, *REAL})
DEGREES = {one.edit.spelled_degrees(): one.edit.degrees for one in studies}
DIRECTIONS = {one.edit.spelled_attribute(): one.edit.attribute for one in studies}

if not SHARDS:
    raise WorkflowError(
        f"params.yaml: no photos to study: put some into {study.study.photos}, or raise study.known_plate"
    )


wildcard_constraints:
    shard=r"\d+",
    size=r"\d+",
    invert=r"e4e|psp|(hybrid|i2s|pti)-\d+",
    precision="float32|bfloat16",
    parse=parsing.PATTERN,
    threshold=r"[0-9.]+",
    degree=r"-?[0-9.]+",
    degrees="|".join(map(re.escape, DEGREES)),
    attribute="|".join(map(re.escape, DIRECTIONS)),
    original="photo|inversion",
    operation="and_not|xor|or|learned",
    dilate=r"\d+",
    feather=r"\d+",
    inpaint=inpainters.PATTERN,
    grow=r"\d+",
    detail=r"\d+",
    external="|".join(study.external) or "none",
    fusion="|".join(FUSED),
    regions="study|blazepose|agreed",


def code_of(script):
    """A fingerprint of a script and of the library code that it reaches, networks of the study's set among it."""
    return code_of_modules(
        Path(workflow.basedir, "workflow/scripts", f"{script}.py"), f"unripple.models.{study.models}"
    )


def code_of_modules(*starts):
    """A fingerprint of all code that modules of the library, or scripts' files, reach; found once a job needs it.

    Snakemake starts anew inside each job on a cluster, and there only one of them is needed.
    """

    def code(wildcards):
        return fingerprint(*starts)

    return code


@cache
def fingerprint(*starts):
    """`code_hash`, taken once."""
    return code_hash(*starts)


def section(name, *keys):
    """A section of params.yaml, or some of its keys, in sorted order: the order of keys is no change."""
    values = getattr(study, name).model_dump()
    return {key: values[key] for key in sorted(keys or values)}


def weights(*names):
    """The files of some networks of the set of models, by name; published ones may share a file."""
    held_by = roles.HELD_BY if study.models == "published" else {}
    return {name: f"{MODELS}/{held_by.get(name, name)}.safetensors" for name in names}


def trained(*names):
    """The files of some networks of the set that is being trained, by name."""
    return {name: f"{TRAINED}/{name}.safetensors" for name in names}


def directions(wildcards):
    """The file that holds a study's direction: that of the set of models, or the one that the study names."""
    attribute = DIRECTIONS[wildcards.attribute]
    return weights("directions")["directions"] if is_named(attribute) else attribute


def encoder(wildcards):
    """The weights of an inverter's encoder."""
    name = "psp" if wildcards.invert == "psp" else "encoder"
    return weights(name)[name]


def refinement(wildcards):
    """What an inverter refines codes by, if it does: hybrid, and pti, whose pivot it is, of the lite set."""
    refines = study.models == "lite" and wildcards.invert.startswith(("hybrid", "pti"))
    return list(weights("descent", "preview").values()) if refines else []


def memory(lite, published):
    """What a job needs in MB, with either set of models."""
    return published if study.models == "published" else lite


def spelled(settings):
    """The settings of a study as paths spell them: wildcard -> value."""
    return {
        "size": settings.images.size,
        "invert": settings.invert.spelled(),
        "precision": settings.compute.precision,
        "attribute": settings.edit.spelled_attribute(),
        "degrees": settings.edit.spelled_degrees(),
        "parse": settings.parse.spelled(settings.models),
        "threshold": f"{settings.parse.threshold:g}",
        "original": settings.ripple.original,
        "operation": settings.ripple.operation,
        "dilate": settings.ripple.dilate,
        "inpaint": settings.inpaint.spelled(),
        "feather": settings.composite.feather,
        "grow": settings.layered.grow,
        "detail": settings.layered.detail,
        "regions": settings.metrics.regions,
    }


def logs(pattern, ending="log"):
    """The log (or, with another ending, the benchmark) of the job that makes a file."""
    return pattern.replace("results/", "logs/", 1).rpartition(".")[0] + f".{ending}"


def per_degree(pattern, wildcards, among=None):
    """A pattern's files for every degree of a table and every shard, or those shards among which it must be."""
    degrees = [f"{degree:g}" for degree in DEGREES[wildcards.degrees]]
    values = {key: value for key, value in wildcards.items() if key != "degrees"}
    return expand(pattern, **values, degree=degrees, shard=among or SHARDS)


def photo_sources(wildcards):
    """The files of the real photos of a shard, or their archive; examples come from a package and have none."""
    return [file for file in album.files(photo_names(wildcards)["files"]) if plain(file)]


def photo_names(wildcards):
    """The real photos of a shard: name and file (or member of the archive) of the user's own, names of the examples.

    Files that Snakemake cannot take as inputs count by their checksum here instead.
    """
    files = {name: photos[name] for name in REAL[wildcards.shard] if name in photos}
    odd = {} if album.archive else {name: file for name, file in files.items() if not plain(file)}
    return {
        "files": files,
        "archive": str(album.archive or ""),
        "aligned": study.study.aligned,
        "checksums": {name: checksum.sha256(Path(file)) for name, file in odd.items()},
        "examples": [name for name in REAL[wildcards.shard] if name not in photos],
    }


def found_files():
    """Which file each real photo is, and what was found but is not used: for the list of what was put aside."""
    left_out = {names.printable(file): reason for file, reason in album.left_out.items()}
    return {"photos": {name: album.source(name) for name in photos}, "left_out": left_out}


def known_plate_shard(wildcards):
    """The names of the known-plate portraits of a shard."""
    return KNOWN_PLATE[wildcards.shard]


def known_plates_in(wildcards):
    """How many known-plate portraits a shard has; a resource, so that a dry run says what a job costs."""
    return len(KNOWN_PLATE.get(wildcards.shard, []))


def real_photos_in(wildcards):
    """How many real photos a shard has."""
    return len(REAL.get(wildcards.shard, []))


def photos_in(wildcards):
    """How many photos a shard has."""
    return known_plates_in(wildcards) + real_photos_in(wildcards)


def portraits_of(shard):
    """The indexes of the portraits of a shard."""
    return [
        f"{RESULTS}/portraits/{source}.shard~{shard}.json"
        for source, filled in (("known-plate", KNOWN_PLATE), ("photos", REAL))
        if shard in filled
    ]


def portraits(wildcards):
    """The indexes of the portraits of a shard."""
    return portraits_of(wildcards.shard)


def truths(wildcards):
    """The index of the true edits of a shard, if it has known-plate portraits."""
    if wildcards.shard not in KNOWN_PLATE:
        return []
    return TRUTHS.format(**wildcards)


def originals(wildcards):
    """The index of the mattes of the pictures whose person counts as the original."""
    return MATTES_OF[wildcards.original].format(**wildcards)


def inpainter_weights(wildcards):
    """The weights of the inpainter, if it has any."""
    model = inpainters.read(wildcards.inpaint).model
    return [] if model in inpainters.WEIGHTLESS else weights("inpainter")["inpainter"]


def inception(wildcards):
    """The weights of the Fréchet inception distance, where someone fetched them; else another network stands in."""
    file = "models/published/originals/pt_inception-2015-12-05-6726825d.pth"
    return file if Path(file).is_file() else []


def alexnet(wildcards):
    """The trunk of LPIPS, where someone fetched it; else the inversions have no LPIPS."""
    file = "models/published/originals/alexnet-owt-7be5be79.pth"
    return file if Path(file).is_file() else []


def cleaned(wildcards):
    """The indexes of the methods of the study that clean an edit, by method."""
    return {method: pattern.format(**wildcards) for method, pattern in CLEANED.items() if method in METHODS}


def families(wildcards):
    """Every family of pictures that a table and its report are about: name -> its indexes."""
    found = {
        "portraits": [index for shard in SHARDS for index in portraits_of(shard)],
        "inversions": expand(INVERSIONS, **wildcards, shard=SHARDS),
        "truths": per_degree(TRUTHS, wildcards, KNOWN_PLATE) if KNOWN_PLATE else [],
        "edits": per_degree(EDITS, wildcards),
        "ripples": per_degree(RIPPLES, wildcards),
    }
    for method, pattern in CLEANED.items():
        if method in METHODS:
            found[method] = per_degree(pattern, wildcards)
    return found


def families_of_study(_wildcards):
    """The families of the tables and the report of this study."""
    return families(Wildcards(fromdict=spelled(study)))


def every_index(wildcards):
    """The indexes of all families and of what lies between them, from which the quarantine is gathered."""
    found = [index for indexes in families(wildcards).values() for index in indexes]
    for original in sorted({"photo", wildcards.original}):
        found += expand(MATTES_OF[original], **wildcards, shard=SHARDS)
    found += per_degree(MATTES, wildcards)
    if "ripple_inpaint" in study.methods:
        found += per_degree(FILLS, wildcards)
    if "split_composite" in study.methods:
        found += expand(PLATES, **wildcards, shard=SHARDS)
    between = {
        MOTIONS: {"layered", "unripple", "motion_fusion", *FUSED},
        LAYERED: {"layered", "unripple", *FUSED},
        LAYERED_PLATES: {"layered", "unripple"},
    }
    for pattern, rows in between.items():
        if rows & {*study.methods}:
            found += per_degree(pattern, wildcards)
    return found


def external_pictures(wildcards):
    """The pictures of a shard's photos at one degree, in another system's folder; some may be missing."""
    folder = Path(study.external[wildcards.external]).expanduser()
    wanted = [*KNOWN_PLATE.get(wildcards.shard, []), *REAL.get(wildcards.shard, [])]
    edit = (wildcards.attribute, float(wildcards.degree))
    found = {photo: outside.find_picture(folder, photo, *edit) for photo in wanted}
    return {photo: str(file) for photo, file in found.items() if file is not None}


def external_files(wildcards):
    """Those of them that Snakemake can take as inputs."""
    return [file for file in external_pictures(wildcards).values() if plain(file)]


def external_photos(wildcards):
    """Which picture belongs to which photo; those that Snakemake cannot take as inputs count by their checksum."""
    pictures = external_pictures(wildcards)
    odd = {file: checksum.sha256(Path(file)) for file in pictures.values() if not plain(file)}
    return {"folder": study.external[wildcards.external], "pictures": pictures, "checksums": odd}


def consistencies(wildcards):
    """The rows of all degrees, where they are asked for."""
    return per_degree(CONSISTENCY_ROWS, wildcards) if study.metrics.consistency else []
