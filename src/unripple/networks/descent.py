"""How the picture of a code answers when the code moves: what makes a few gradient steps go far."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from unripple.networks.w_space import principal_axes

#: W's principal axes are scaled by their variance to this power. At 0 all of W's directions are alike, and steps are
#: lost in those that change nothing; at 1/2 W is white, and what is rare (long hair) stays.
SCALING = 0.2


class Descent(NamedTuple):
    """Axes of W, and how large the gradients along them are.

    ``axes float32 (512, 512)``: one a row, of no unit length. ``squares float32 (512,)``: mean square of the gradient
    along each, by experience, in units of their mean.
    """

    axes: Tensor
    squares: Tensor

    @classmethod
    def along_variance(cls, mapping: nn.Module) -> Self:
        """Without experience: W's principal axes, scaled by `SCALING`, and gradients alike along all."""
        axes = principal_axes(mapping, SCALING)
        return cls(axes, torch.ones(len(axes)).to(axes))

    def turned(self, gradients: Tensor) -> Descent:
        """Axes turned to where ``gradients (N, 512)``, found along these ones, vary apart from each other.

        A step that divides each coordinate of the gradient by its size, as Adam's does, is Newton's step if the
        coordinates do not hang together, and far from it if they do; so SOAP (Vyas et al., 2024, arXiv:2409.11321)
        runs Adam in the eigenbasis of the gradients' covariance, which it learns on the way. A few steps have no time
        for that; other faces' gradients serve. Each counts alike, whatever its length.
        """
        unit = gradients.double() / gradients.double().norm(dim=1, keepdim=True)
        squares, turn = torch.linalg.eigh(unit.T @ unit / len(unit))  # turn: one eigenvector a column
        axes = turn.T @ self.axes.double()
        return Descent(axes.float(), (squares.clamp(min=0) / squares.mean()).float())

    def to(self, other: Tensor) -> Descent:
        """On the device and in the type of another tensor."""
        return Descent(self.axes.to(other), self.squares.to(other))
