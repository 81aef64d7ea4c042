"""A network with its weights moved, the original untouched."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


@torch.no_grad()
def flat(network: nn.Module) -> Tensor:
    """All parameters one after the other, ``(P,)``, whatever their memory format."""
    return torch.cat([parameter.reshape(-1) for parameter in network.parameters()])


@torch.no_grad()
def moved(network: M, by: Tensor) -> M:
    """A copy whose parameters, in the order of `flat`, are moved ``by (P,)``; frozen.

    Raises ``ValueError`` if there are not P of them.
    """
    found = deepcopy(network).requires_grad_(False)
    parameters = list(found.parameters())
    sizes = [parameter.numel() for parameter in parameters]
    if by.shape != (sum(sizes),):
        raise ValueError(f"expected {(sum(sizes),)}, a move of every weight, found {tuple(by.shape)}")
    for parameter, part in zip(parameters, by.split(sizes), strict=True):
        parameter.add_(part.view(parameter.shape).to(parameter))
    return found
