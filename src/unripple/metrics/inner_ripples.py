"""Ripples inside the edited person, where no mask of the band reaches."""

from __future__ import annotations

from unripple.files.pictures import Mask
from unripple.metrics.arrays import Field
from unripple.metrics.ripple_energy import projection


def inner_ripples(original: Field, edited: Field, e4e: Field, person_core: Mask) -> float:
    """At how much more contrast the unmoved photo shows inside the edited person than in the e4e edit.

    ``projection(original, edited) - projection(original, e4e)`` over the eroded edited person.
    Some of the photo's gradients stay in place in every right edit (what does not move, what moves little); the e4e
    edit, which consults no photo, tells how much. 0: no more than that. Pictures as their ``ripple_gradients``, mask
    ``bool (H, W)``; NaN where the person is too small.
    """
    return projection(original, edited, person_core) - projection(original, e4e, person_core)
