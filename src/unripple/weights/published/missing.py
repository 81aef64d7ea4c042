"""What a study with the published models still needs, told at once and before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from unripple.settings.study import Study
from unripple.weights.published import fetch
from unripple.weights.published.manifest import Weights, manifest
from unripple.weights.published.unmet import Need, unmet
from unripple.weights.roles import HELD_BY, LAYOUT_OF, ROLE_OF, Role, converted_file

COMMAND: Final = ".venv/bin/unripple weights"


def missing_weights(models: Path, studies: Sequence[Study]) -> list[str]:
    """Nothing if all files are there, else the parts of one message: what each missing file is and how to get it.

    ``models``: folder of the converted files; ``studies``: with all settings that are to be run.
    """
    missing = unmet(models, studies)
    if not missing:
        return []
    roles, files = {need.role for need in missing}, [_published(need, models) for need in missing]
    head = (
        f"models = published: {len(roles)} of {len(set(HELD_BY.values()))} files of weights are not in {models} yet."
        " They are others' work\nand not part of this project; docs/published.md leads through."
    )
    entries = [_entry(weights, need.role, models) for need, weights in zip(missing, files, strict=True)]
    return [head, *entries, _in_short(files, models)]


def about_photos(study: Study) -> str:
    """Where the photos of a study come from."""
    return f"""\
Photos (study.photos = {study.study.photos}, study.split = {study.study.split}): a folder or an archive (zip, tar).
    CelebA-HQ   CelebAMask-HQ.zip, from its authors, for non-commercial research: the pictures, and the list
                CelebA-HQ-to-CelebA-mapping.txt. list_eval_partition.txt comes with CelebA. Put the lists beside
                the archive and take PARAMS=params/celeba-hq.yaml, which says study.photos, study.split = test
                (2,824 photos) and study.aligned = true
    others      any photos; each is aligned to its largest face
    none        the study runs on generated faces (study.known_plate) and scikit-image's astronaut

Then give the same command again. Nothing has been run or written."""


def _published(need: Need, models: Path) -> Weights:
    """The published file that is to be converted for a need; one that is here already, where several would do."""
    fitting = [weights for weights in manifest().values() if _role(weights) == need.role]
    if need.attribute is not None:
        fitting = [weights for weights in fitting if weights.name == need.attribute]
    return next((weights for weights in fitting if weights.path(models).is_file()), fitting[0])


def _role(weights: Weights) -> Role | None:
    """The role of what a published file is converted to; None where it is used as it is."""
    layout = LAYOUT_OF.get(weights.file)
    return None if layout is None else ROLE_OF[layout]


def _entry(weights: Weights, role: Role, models: Path) -> str:
    path = weights.path(models)
    sums = " or ".join(weights.sha256) or "none is public: the first file that you verify is held to from then on"
    lines = [f"{converted_file(models, role)}: {weights.holds}", f"    file      {weights.file}, {weights.size}"]
    lines += [f"    licence   {weights.licence}", f"    sha256    {sums}"]
    if path.is_file():
        lines.append(f"    here      {path}, not converted yet")
    else:
        addresses = "\n              ".join(fetch.url_of(source) for source in weights.sources)
        lines += [
            f"    fetch     {COMMAND} fetch {weights.name}",
            f"    by hand   put it at {path}, from\n              {addresses}",
        ]
        others = [other for other in manifest().values() if _role(other) == role != "directions" and other != weights]
        lines += [f"    or        {other.name}: {other.holds}, {other.file}, {other.size}" for other in others]
    return "\n".join([*lines, f"    convert   {COMMAND} convert {path}"])


def _in_short(wanted: list[Weights], models: Path) -> str:
    fetched = " ".join(weights.name for weights in wanted if not weights.path(models).is_file())
    paths = " ".join(str(weights.path(models)) for weights in wanted)
    lines = [f"    {COMMAND} fetch {fetched}"] * bool(fetched) + [f"    {COMMAND} convert {paths}"]
    return "\n".join(["In short:", *lines])
