"""Networks that only this project trains and that few studies need: no published file becomes one.

A study asks for the file only where its settings ask for the network. The sets of models that have one lay it out
alike: the keys of the network, without a prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from unripple.settings.study import Study


class Own(NamedTuple):
    """A network that settings other than the default ask for.

    ``name``: for tables and figures. ``asker``: what asks for it, and ``instead``: how a study does without it, in
    words. ``asked``: whether a study's settings ask for it. ``sources``: set of models -> where the file comes from; a
    set that is not there has none.
    """

    name: str
    asker: str
    instead: str
    asked: Callable[[Study], bool]
    sources: dict[str, str]


#: Network and stem of its file -> what is known of it.
OWN: Final = {
    "ada_pose": Own(
        "ADA trained on true turns",
        "row ada_pose",
        "take ada_pose out of methods",
        lambda study: "ada_pose" in study.methods,
        {
            "lite": "`make weights` puts it there, `python -m unripple.training.turns` trains it",
            "published": "no one has published it, `python -m unripple.training.hfgi --misalign pose` trains it"
            " (src/unripple/training/README.md)",
        },
    ),
    "ripple_finder": Own(
        "ripple-finder-lite",
        "ripple.operation = learned",
        "choose another operation",
        lambda study: study.ripple.operation == "learned",
        {"lite": "`make weights` puts it there, `python -m unripple.training.ripples` trains it"},
    ),
}


def own_file(folder: Path, network: str) -> Path:
    """Where a network of `OWN` lies; ``folder``: of its set of models."""
    return folder / f"{network}.safetensors"


def own_names(study: Study) -> dict[str, str]:
    """The networks of `OWN` that a study asks for -> their names."""
    return {network: own.name for network, own in OWN.items() if own.asked(study)}


def own_files(folder: Path, models: str) -> Iterator[tuple[Own, Path]]:
    """The networks that a set ``models`` has, and where they lie in its ``folder``."""
    return ((own, own_file(folder, network)) for network, own in OWN.items() if models in own.sources)


def missing_own(folder: Path, models: str, studies: Sequence[Study]) -> list[str]:
    """A sentence for each file that one of the ``studies`` asks for and that is not in the ``folder`` of ``models``."""
    return [
        f"{file}: no such file, and {own.asker} needs it; {own.sources[models]}; or {own.instead}"
        for own, file in own_files(folder, models)
        if any(map(own.asked, studies)) and not file.is_file()
    ]
