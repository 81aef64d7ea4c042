"""What a study with the published models still needs, told at once and before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from unripple.config import Study
from unripple.weights.published import fetch, load
from unripple.weights.published.manifest import Weights, WeightsError, manifest
from unripple.weights.roles import HELD_BY, LAYOUT_OF, ROLE_OF, Role, converted_file

COMMAND: Final = ".venv/bin/unripple weights"


def missing_weights(models: Path, studies: Sequence[Study]) -> list[str]:
    """Nothing if all files are there, else the parts of one message: what each missing file is and how to get it.

    ``models``: folder of the converted files; ``studies``: with all settings that are to be run.
    """
    wanted = [weights for need in _needs(studies) for weights in _absent(models, *need)]
    if not wanted:
        return []
    roles = list(dict.fromkeys(_role(weights) for weights in wanted))
    head = (
        f"models = published: {len(roles)} of {len(set(HELD_BY.values()))} files of weights are not in {models} yet."
        " They are others' work\nand not part of this project; docs/published.md leads through."
    )
    here = [weights for weights in wanted if weights.path(models).is_file()]
    return [head, *(_entry(weights, models) for weights in wanted), _in_short(wanted, here, models)]


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


def _needs(studies: Sequence[Study]) -> Iterator[tuple[Role, str | None]]:
    """What is needed: a role, and of the directions which."""
    for role in dict.fromkeys(HELD_BY.values()):
        if role == "directions":
            yield from ((role, attribute) for attribute in dict.fromkeys(study.edit.attribute for study in studies))
        elif role != "inpainter" or any(study.inpaint.model != "telea" for study in studies):
            yield role, None


def _absent(models: Path, role: Role, attribute: str | None) -> list[Weights]:
    """The published file that is to be converted for a need, if the need is not met."""
    file = converted_file(models, role)
    if file.is_file():
        try:
            if attribute is None or attribute in load.keys(file):
                return []
        except WeightsError:
            pass  # damaged: it is converted anew
    fitting = [weights for weights in manifest().values() if _role(weights) == role]
    if attribute is not None:
        fitting = [weights for weights in fitting if weights.name == attribute]
    return [next((weights for weights in fitting if weights.path(models).is_file()), fitting[0])]


def _role(weights: Weights) -> Role:
    return ROLE_OF[LAYOUT_OF[weights.file]]


def _entry(weights: Weights, models: Path) -> str:
    path, role = weights.path(models), _role(weights)
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


def _in_short(wanted: list[Weights], here: list[Weights], models: Path) -> str:
    fetched = " ".join(weights.name for weights in wanted if weights not in here)
    paths = " ".join(str(weights.path(models)) for weights in wanted)
    lines = [f"    {COMMAND} fetch {fetched}"] * bool(fetched) + [f"    {COMMAND} convert {paths}"]
    return "\n".join(["In short:", *lines])
