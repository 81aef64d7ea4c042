"""The direction of an edit, whether a set of models has it or a user's file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from unripple.models import ModelSet
from unripple.settings.attributes import is_named
from unripple.weights.directions import read_direction


def direction_of(models: ModelSet, attribute: str) -> Tensor:
    """``(512,)``, or ``(18, 512)`` from a file that says so; on the device of the models.

    Args:
        models: the set, whose own directions have norm 1.
        attribute: one of `settings.attributes.ATTRIBUTES`, or a file; see `read_direction` for its errors.
    """
    if is_named(attribute):
        return models.direction(attribute)
    return read_direction(Path(attribute).expanduser()).to(models.device)
