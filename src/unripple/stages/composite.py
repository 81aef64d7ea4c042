"""Putting the cleaned picture together: the study's three methods.

Pictures are ``rgb float32 (B, 3, H, W)`` in [-1, 1], mattes ``float32 (B, 1, H, W)`` in [0, 1], masks
``bool (B, 1, H, W)``.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unripple.files.tensors import to_tensor, to_uint8
from unripple.stages.masks import distance_to, ramp, require_masks, scaled

#: Mattes of networks seldom reach 0 and 1: what comes this near counts as background or as person.
CONFIDENT: Final = 0.05
#: So does what lies this far inside the outline (matte one half) or outside it, in pixels at height 512: a grey patch
#: within a person would let the old background through, and one in the background would keep ripples.
SOLID: Final = 5.0
AIR: Final = 16.0
# Box radii, in pixels at height 512, of the two passes of the foreground estimation; halves of the paper's at 1024.
_RADII: Final = (45.0, 3.0)


def ripple_inpaint(hfgi: Tensor, mask: Tensor, inpainted: Tensor, edited_matte: Tensor, feather: float = 4) -> Tensor:
    """The reproduction: the HFGI edit with its ripple mask filled, and the edited person put back on top.

    Inside the mask the picture becomes the person's colours over the filled background. Outside the mask, and where
    the matte is confident of the person, it stays bit-equal to ``hfgi``.

    Args:
        hfgi: the edit with ripples.
        mask: the ripple mask.
        inpainted: ``hfgi`` filled inside ``mask``.
        edited_matte: person of the edit.
        feather: width of the soft edge inside the mask towards the background, in pixels at height 512.
    """
    require_masks(mask=mask)
    matte = settled(edited_matte)
    # No ramp towards the person: their own matte is the soft edge there, and a ramp would keep ripples beside them.
    weight = ramp(mask, scaled(feather, hfgi), outside=~mask & (matte == 0))
    cleaned = torch.lerp(hfgi, over(hfgi, edited_matte, inpainted), weight)
    return torch.where(mask & (matte < 1), cleaned, hfgi)


def split_composite(edit: Tensor, edited_matte: Tensor, plate: Tensor) -> Tensor:
    """The edited person, cut out by their own matte, over the plate (the photo with the original person filled)."""
    return over(edit, edited_matte, plate)


def bitwise_or(edit: Tensor, edited_person: Tensor, inversion: Tensor, original_person: Tensor) -> Tensor:
    """The historical row: per channel, in 8 bits, (edited person) OR (background of the inversion).

    Colours mix where the edited person stands before the old background, and the band that nobody covers is black.
    """
    require_masks(edited_person=edited_person, original_person=original_person)
    person = to_uint8(edit) * edited_person.permute(0, 2, 3, 1).cpu().numpy()
    background = to_uint8(inversion) * ~original_person.permute(0, 2, 3, 1).cpu().numpy()
    return to_tensor(list(person | background)).to(edit)


def settled(matte: Tensor) -> Tensor:
    """A matte that is decided but for a soft edge along its outline; see `CONFIDENT`, `SOLID` and `AIR`."""
    stretched = ((matte - CONFIDENT) / (1 - 2 * CONFIDENT)).clamp(0, 1)
    person = matte >= 0.5
    stretched = torch.where(distance_to(~person) > scaled(SOLID, matte), torch.ones_like(matte), stretched)
    return torch.where(distance_to(person) > scaled(AIR, matte), torch.zeros_like(matte), stretched)


def over(rgb: Tensor, matte: Tensor, plate: Tensor) -> Tensor:
    """The person of ``rgb`` over ``plate``, without the rim of their old background.

    Bit-equal to ``rgb`` where the `settled` matte is 1, and to ``plate`` where it is 0.
    """
    if rgb.shape != plate.shape or matte.shape != (len(rgb), 1, *rgb.shape[2:]):
        found = f"rgb {tuple(rgb.shape)}, plate {tuple(plate.shape)}, matte {tuple(matte.shape)}"
        raise ValueError(f"expected rgb and plate (B, 3, H, W) and matte (B, 1, H, W) of one size, found {found}")
    alpha = settled(matte)
    mixed = torch.lerp(plate, foreground(rgb, alpha), alpha)
    return torch.where(alpha == 1, rgb, torch.where(alpha == 0, plate, mixed))


def foreground(rgb: Tensor, alpha: Tensor) -> Tensor:
    """The person's own colours, also where ``rgb`` mixes them with the background.

    Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, equations 4 to 7, in two passes. Only pixels
    with an ``alpha`` between 0 and 1 get new values that matter.
    """
    pictures = rgb.detach().cpu().permute(0, 2, 3, 1).numpy()
    alphas = alpha.detach().cpu().permute(0, 2, 3, 1).numpy()
    estimated = [_foreground(picture, matte) for picture, matte in zip(pictures, alphas, strict=True)]
    return torch.from_numpy(np.stack(estimated)).permute(0, 3, 1, 2).to(rgb)


def _foreground(rgb: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    front, back = rgb, rgb
    for at_512 in _RADII:
        side = 2 * round(at_512 * len(rgb) / 512) + 1
        front_mean, back_mean = _weighted_mean(front, alpha, side), _weighted_mean(back, 1 - alpha, side)
        front = np.clip(front_mean + alpha * (rgb - alpha * front_mean - (1 - alpha) * back_mean), -1, 1)
        back = back_mean
    return front


def _weighted_mean(colours: NDArray[np.float32], weight: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Mean over a box of ``side`` pixels. ``colours (H, W, 3)``, ``weight (H, W, 1)``."""
    total = cv2.blur(colours * weight, (side, side))
    mass = cv2.blur(weight, (side, side))[..., None]
    return np.asarray(total / (mass + np.float32(1e-5)), dtype=np.float32)
