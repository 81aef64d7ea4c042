"""A set of models whose generator was tuned for one photo."""

from __future__ import annotations

from copy import copy
from typing import TypeVar

from torch import Tensor, nn

from unripple.models import ModelSet
from unripple.networks.moved import moved

S = TypeVar("S", bound=ModelSet)


def tuned(models: S, by: Tensor) -> S:
    """The same set, the other networks shared, with the generator's weights moved.

    ``by (P,)``: in the order of `networks.moved.flat`; with P = 0 it is the set itself.
    """
    if by.numel() == 0:
        return models
    generator = models.generator
    assert isinstance(generator, nn.Module)
    found = copy(models)
    # In place of what the set would load when first asked.
    found.__dict__["generator"] = moved(generator, by)
    found.__dict__["fast_generator"] = moved(generator, by).bfloat16()
    return found
