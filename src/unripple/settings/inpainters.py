"""The inpainters, with the settings that each has."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

Inpainter = Literal["lama-lite", "telea", "patchmatch", "big-lama"]

#: Without weights: they go with both sets of models.
WEIGHTLESS: Final = ("telea", "patchmatch")
#: What `spelled` gives, for a path's pattern.
PATTERN: Final = r"telea|patchmatch-\d+|(lama-lite|big-lama)(-crop\d+)?"


class Chosen(NamedTuple):
    """An inpainter with its own settings; 0 for those that it does not have."""

    model: Inpainter
    ring: int = 0
    crop: int = 0


def spelled(model: Inpainter, ring: int, crop: int) -> str:
    """As a path spells it, with what the inpainter uses: ``patchmatch-24``, ``big-lama``, ``big-lama-crop3``."""
    if model == "patchmatch":
        return f"{model}-{ring}"
    return model if model in WEIGHTLESS or not crop else f"{model}-crop{crop}"


def read(text: str) -> Chosen:
    """The inverse of `spelled`."""
    model = next(one for one in get_args(Inpainter) if text.startswith(one))
    setting = text.removeprefix(model).removeprefix("-")
    if setting.startswith("crop"):
        return Chosen(model, crop=int(setting.removeprefix("crop")))
    return Chosen(model, ring=int(setting or 0))
