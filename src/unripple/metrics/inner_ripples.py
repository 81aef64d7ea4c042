"""Ripples inside the edited person, where no mask of the band reaches."""

from __future__ import annotations

from unripple.images import Mask, Rgb
from unripple.metrics.arrays import check_mask, check_pair
from unripple.metrics.ripple_energy import gradient_correlation, ripple_gradients


def inner_ripples(original: Rgb, edited: Rgb, e4e: Rgb, person_core: Mask) -> float:
    """How much more of the unmoved photo shows inside the edited person than in the e4e edit, in [-2, 2].

    ``gradient_correlation(original, edited) - gradient_correlation(original, e4e)`` over the eroded edited person.
    Some of the photo's gradients stay in place in every right edit (what does not move, what moves little); the e4e
    edit, which consults no photo, tells how much. 0: no more than that. Pictures ``uint8 (H, W, 3)``, mask
    ``bool (H, W)``; NaN where the person is too small.
    """
    check_pair(original, edited)
    check_pair(original, e4e)
    check_mask(person_core, original)
    reference = ripple_gradients(original)
    return gradient_correlation(reference, ripple_gradients(edited), person_core) - gradient_correlation(
        reference, ripple_gradients(e4e), person_core
    )
