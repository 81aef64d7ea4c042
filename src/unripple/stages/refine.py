"""Refine codes that an encoder guessed by gradient steps, so that they render to the photo's person."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unripple.models import ModelSet
from unripple.networks.descent import Descent
from unripple.networks.mobile_stylegan import STYLE_ROWS, rows

#: How much of what the encoder reads differently is taken, time after time; see `read_again`.
TRUST = (1.0, 0.7, 0.5)
#: A step's length along each axis; it falls to a tenth over the last steps.
RATE = 0.06
#: How much of the mean gradient, and of its mean square, a step keeps of those before it.
MOMENTUM, MEMORY = 0.4, 0.99
#: What is known of the gradients' squares beforehand counts like this many steps.
EXPERIENCE = 8
#: Weight of the squared error beside the perceptual distance, and of the background beside the person.
SQUARED, BACKGROUND = 8.0, 0.1
#: Squared error of the person, rgb in [-1, 1], up to which W has the face, and from which on it has not: 23 and 20 dB.
KNOWN, STRANGE = 0.02, 0.04
#: Codes that leave W take so many times the steps again, up to so long each; they mind the face three times as much as
#: the rest of the person, and the background by so much: W+ has room for it, and a code that nothing holds to it gets
#: strands and poles beside the head.
AGAIN, FREE, FACE, BEHIND = 3, 0.06, 2.0, 0.3
#: Steps in W from which on what is left says what W lacks, and not only that the search was short.
ENOUGH = 8

#: Below any gradient: a row that no layer listens to has none, and stays.
TINY = 1e-20

#: Called with the gradient ``(B, R, 512)`` of every step.
Notice = Callable[[Tensor], None]


def encode_refined(photo: Tensor, steps: int, models: ModelSet) -> Tensor:
    """The encoder's codes, refined: ``(B, 3, 256, 256)`` -> ``(B, 18, 512)``; see ``refine``.

    One photo after the other: the last digit of a code depends on the batch that the encoder had, and not every photo
    takes as many steps.
    """
    return torch.cat([refine(one, models.encoder(one), steps, models) for one in photo.split(1)])


def refine(photo: Tensor, w_plus: Tensor, steps: int, models: ModelSet) -> Tensor:
    """Move codes towards what renders to the photo: perceptual and squared error, mostly over the person.

    The hybrid of encoder and optimisation of Zhu et al. (ECCV 2016, section 3.2): the encoder gives the start and
    corrects it (`read_again`); a few short steps keep near it. All rows move as one, so the result is a code of W and
    can be edited like the encoder's.

    W holds every face that the generator was trained to make, and not every face of a photograph (Abdal et al., ICCV
    2019). Where its best code is still far from the photo, the rows part: `AGAIN` times the steps follow in W+,
    the longer the farther it is, up to `FREE`. Starting from W's code they end near it, where edits still hold
    (Tov et al., SIGGRAPH 2021, section 3). Each photo of a batch is refined as if it were alone.

    Args:
        photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        w_plus: ``float32 (B, 18, 512)``, rows equal.
        steps: gradient steps; 0 returns ``w_plus``.
        models: the networks.
    """
    if steps == 0:
        return w_plus
    if not torch.equal(w_plus, rows(w_plus[:, 0])):
        raise ValueError("w_plus: expected codes of W, equal in all rows; an encoder into W+ has none to refine")
    start, person = begun(photo, w_plus, models)
    code, error = descend(photo, start, steps, models, models.descent, person)
    strangeness = ((error - KNOWN) / (STRANGE - KNOWN)).clamp(0, 1) * min(1.0, steps / ENOUGH)
    w_plus = code.expand(-1, STYLE_ROWS, -1)
    if bool((strangeness > 0).any()):
        weight = person.clamp(min=BEHIND) * (1 + FACE * face_oval(photo))
        w_plus, _ = descend(photo, w_plus, AGAIN * steps, models, models.descent, weight, FREE * strangeness)
    return w_plus.contiguous()


@torch.no_grad()
def begun(photo: Tensor, w_plus: Tensor, models: ModelSet) -> tuple[Tensor, Tensor]:
    """Where the search in W begins, and how much each pixel counts in it.

    Args:
        photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        w_plus: ``float32 (B, 18, 512)``, codes of W.
        models: the networks.

    Returns:
        codes ``(B, 1, 512)``, corrected by `read_again`; weights ``(B, 1, 256, 256)``, 1 where the person is,
        `BACKGROUND` where they are not.
    """
    matte = models.parser(photo)
    return read_again(photo, w_plus, matte, models)[:, :1], matte.clamp(min=BACKGROUND)


def read_again(photo: Tensor, w_plus: Tensor, matte: Tensor, models: ModelSet) -> Tensor:
    """Codes whose pictures the encoder reads as it reads the photo.

    What an encoder gets wrong, it gets wrong alike in two pictures that are alike. So it looks at the picture of its
    own code, before the photo's background, too, and the difference of the two readings says which way the code is off.
    The feedback is that of ReStyle (Alaluf et al., ICCV 2021), which trains an encoder for it; this one never saw any.

    Args:
        photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        w_plus: ``float32 (B, 18, 512)``, codes to begin with.
        matte: the person of the photo, ``float32 (B, 1, 256, 256)`` in [0, 1].
        models: the networks.

    Returns:
        codes ``(B, 18, 512)``; of W where ``w_plus`` is.
    """
    wanted = models.encoder(photo)
    for share in TRUST:
        w_plus = w_plus + share * (wanted - models.encoder(torch.lerp(photo, models.preview(w_plus), matte)))
    return w_plus


def face_oval(photo: Tensor) -> Tensor:
    """Where a portrait has its face, for FFHQ's alignment puts it there: ``(1, 1, 256, 256)`` in [0, 1], soft."""
    at = torch.arange(256, device=photo.device) + 0.5
    across, down = (at - 128) / 48, (at - 143) / 60
    return (-((across.square() + down.square()[:, None]).square())).exp()[None, None]


def descend(
    photo: Tensor,
    start: Tensor,
    steps: int,
    models: ModelSet,
    along: Descent,
    weight: Tensor,
    rate: float | Tensor = RATE,
    notice: Notice | None = None,
) -> tuple[Tensor, Tensor]:
    """Codes after some steps along given axes: Adam's (Kingma and Ba, 2015), with squares from experience.

    Without that, a first step has one length along every axis, whether it matters or not.

    Args:
        photo: ``float32 (B, 3, 256, 256)`` in [-1, 1].
        start: ``float32 (B, R, 512)``, codes of W where R is 1, of W+ where it is 18.
        steps: gradient steps, at least 1.
        models: the networks.
        along: the axes, and what is known of the gradients along them.
        weight: ``float32 (B, 1, 256, 256)``, how much each pixel counts, in any unit.
        rate: a step's length, of all photos or of each, ``(B,)``.
        notice: is handed the gradient of every step.

    Returns:
        codes ``(B, R, 512)`` and the weighted squared error ``(B,)`` before the last step.
    """
    network, (axes, expected) = models.perceptual, along.to(start)
    with torch.no_grad():
        weight = weight / weight.mean(dim=(1, 2, 3), keepdim=True)
        wanted = network.features(photo)
    moved, mean, squares, count = (torch.zeros_like(start) for _ in range(4))
    error = torch.zeros_like(start[:, 0, 0])
    for step in range(steps):
        with torch.enable_grad():
            made = models.preview((start + moved.requires_grad_() @ axes).expand(-1, STYLE_ROWS, -1))
            perceptual = network.distance_map(network.features(made), wanted, (256, 256))
            squared = (made - photo).square().mean(dim=1, keepdim=True)
            (gradient,) = torch.autograd.grad(
                (weight * (perceptual + SQUARED * squared)).mean(dim=(1, 2, 3)).sum(), moved
            )
        error = (weight * squared.detach()).mean(dim=(1, 2, 3))
        if notice is not None:
            notice(gradient)
        mean = MOMENTUM * mean + (1 - MOMENTUM) * gradient
        squares, count = MEMORY * squares + gradient.square(), MEMORY * count + 1
        known = EXPERIENCE * expected * squares.mean(dim=2, keepdim=True) / count
        spread = ((known + squares) / (EXPERIENCE + count)).sqrt().clamp(min=TINY)
        eased = min(1.0, 0.1 + 1.5 * (1 - step / steps)) / (1 - MOMENTUM ** (step + 1))
        lengths = torch.as_tensor(rate, dtype=start.dtype, device=start.device).reshape(-1, 1, 1)
        moved = moved.detach() - lengths * eased * mean / spread
    return start + moved @ axes, error
