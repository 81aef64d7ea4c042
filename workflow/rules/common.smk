from pathlib import Path

from snakemake.exceptions import WorkflowError

from unripple import config as settings
from unripple import shards
from unripple.closure import code_hash

try:
    study = settings.check(config, " over ".join(Path(file).name for file in dict.fromkeys(workflow.configfiles)))
    photos = shards.photo_files(Path(study.study.photos))
except (settings.ConfigError, shards.PhotosError) as error:
    raise WorkflowError(str(error)) from None

MODELS = f"models/{study.models}"
RESULTS = f"results/{study.models}"
ATTRIBUTE = study.edit.attribute
DEGREES = [f"{degree:g}" for degree in study.edit.degrees]

# The settings that a family of results depends on, as its paths spell them.
BAND = f"original~{study.ripple.original}/operation~{study.ripple.operation}/dilate~{study.ripple.dilate}"
PLATE = f"dilate~{study.ripple.dilate}/inpaint~{study.inpaint.model}"
CLEANED = {
    "ripple_inpaint": f"{BAND}/inpaint~{study.inpaint.model}/feather~{study.composite.feather}",
    "split_composite": PLATE,
    "bitwise_or": f"original~{study.ripple.original}",
}
TABLES = f"{RESULTS}/tables/attribute~{ATTRIBUTE}/{CLEANED['ripple_inpaint']}"
REPORT = f"{RESULTS}/report/attribute~{ATTRIBUTE}/{CLEANED['ripple_inpaint']}"

# Where, below a family's settings, the index of one shard's edits lies.
EDITED = "attribute~{attribute}/degree~{degree}/shard~{shard}.json"

# The photos of each shard: the known-plate set, and real ones with their files.
KNOWN_PLATE = shards.occupied(shards.known_plate_names(study.study.known_plate), study.study.shards)
REAL = shards.occupied({*photos, *study.study.examples}, study.study.shards)
SHARDS = sorted({*KNOWN_PLATE, *REAL})

if not SHARDS:
    raise WorkflowError(
        f"params.yaml: no photos to study: put some into {study.study.photos}, or raise study.known_plate"
    )


wildcard_constraints:
    shard=r"\d+",
    degree=r"-?[0-9.]+",
    attribute="pose|smile",
    original="photo|inversion",
    operation="and_not|xor|or",
    dilate=r"\d+",
    feather=r"\d+",
    inpaint="lama-lite|telea|big-lama",


def code_of(script):
    """A fingerprint of a script and of the library code that it reaches."""
    return code_hash(Path(workflow.basedir, "workflow/scripts", f"{script}.py"))


def section(name, *keys):
    """A section of params.yaml, or some of its keys, in sorted order: the order of keys is no change."""
    values = getattr(study, name).model_dump()
    return {key: values[key] for key in sorted(keys or values)}


def weights(*names):
    """The files of some networks of the set of models, by name."""
    return {name: f"{MODELS}/{name}.safetensors" for name in names}


def per_degree(pattern):
    """A pattern's files for every degree and every shard."""
    return expand(pattern, degree=DEGREES, shard=SHARDS, allow_missing=True)


def per_degree_of_known_plates(pattern):
    """A pattern's files for every degree and every shard with known-plate portraits."""
    return expand(pattern, degree=DEGREES, shard=KNOWN_PLATE, allow_missing=True)


def photo_sources(wildcards):
    """The files of the real photos of a shard; examples come from a package and have none."""
    return [file for file in photo_names(wildcards)["files"].values() if "{" not in file]


def photo_names(wildcards):
    """The real photos of a shard: name and file of the user's own, names of the examples.

    Snakemake takes braces in an input for a wildcard; files with braces count by their checksum here instead.
    """
    files = {name: str(photos[name]) for name in REAL[wildcards.shard] if name in photos}
    return {
        "files": files,
        "checksums": {name: shards.sha256(Path(file)) for name, file in files.items() if "{" in file},
        "examples": [name for name in REAL[wildcards.shard] if name not in photos],
    }


def known_plate_shard(wildcards):
    """The names of the known-plate portraits of a shard."""
    return KNOWN_PLATE[wildcards.shard]


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
    return f"{RESULTS}/truth/{EDITED}".format(**wildcards)


def originals(wildcards):
    """The indexes of the pictures whose person counts as the original: the portraits or their inversions."""
    if wildcards.original == "photo":
        return portraits(wildcards)
    return f"{RESULTS}/inversions/shard~{wildcards.shard}.json"


def inpainter_weights(wildcards):
    """The weights of the inpainter; Telea's algorithm has none."""
    return [] if wildcards.inpaint == "telea" else f"{MODELS}/inpainter.safetensors"


def cleaned(wildcards):
    """The indexes of the methods of the study that clean an edit, by method."""
    place = EDITED.format(**wildcards)
    return {
        method: f"{RESULTS}/cleaned/method~{method}/{setting}/{place}"
        for method, setting in CLEANED.items()
        if method in study.methods
    }


def families(wildcards):
    """Every family of pictures that the tables and the report are about: name -> its indexes."""
    edited = EDITED.replace("{attribute}", ATTRIBUTE)
    found = {
        "portraits": [index for shard in SHARDS for index in portraits_of(shard)],
        "inversions": expand(f"{RESULTS}/inversions/shard~{{shard}}.json", shard=SHARDS),
        "truths": per_degree_of_known_plates(f"{RESULTS}/truth/{edited}"),
        "edits": per_degree(f"{RESULTS}/edits/{edited}"),
        "ripples": per_degree(f"{RESULTS}/ripples/{BAND}/{edited}"),
    }
    for method, setting in CLEANED.items():
        if method in study.methods:
            found[method] = per_degree(f"{RESULTS}/cleaned/method~{method}/{setting}/{edited}")
    return found


def every_index(wildcards):
    """The indexes of all families, from which the quarantine is gathered."""
    return [index for indexes in families(wildcards).values() for index in indexes]
