"""Faces of the generator before and after a true turn, with what ADA should make of the turn.

A turn is rendered once, in chunks, and kept beside the encoder's guesses of the faces.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from unripple.files.data import write_arrays
from unripple.models.devices import chosen_device, fast_dtype
from unripple.networks.mobile_stylegan import MobileStyleGAN
from unripple.networks.parser import Parser
from unripple.training.augment import Dice, signed
from unripple.training.rendered_faces import FARTHEST, render_256
from unripple.weights.lite import load_direction, load_generator, load_parser

#: How much a pixel without the person counts, where one of the person counts 1. The generator's own background turns a
#: little with the head, so what is asked there cannot be met in full; it is there to say that the background stays.
OUTSIDE = 0.1

Uint8 = npt.NDArray[np.uint8]


class Batch(NamedTuple):
    """What ADA gets, ``distortion`` and ``edited``, and should give, ``target``: ``float (B, 3, H, W)``.

    ``matte (B, 1, H, W)`` in [0, 1]: the turned person.
    """

    distortion: Tensor
    edited: Tensor
    target: Tensor
    matte: Tensor


@dataclass(frozen=True)
class Turns:
    """Faces before and after their turns.

    ``photo``, ``rendered`` (its low-rate inversion), ``edited`` (that, turned) and ``true`` (the face, turned):
    uint8 (N, H, W, 3). ``before``, the person of the photo, and ``matte``, that of the true edit: uint8 (N, H, W).
    """

    photo: Tensor
    rendered: Tensor
    edited: Tensor
    true: Tensor
    before: Tensor
    matte: Tensor

    def __len__(self) -> int:
        return len(self.photo)

    def part(self, which: slice) -> Turns:
        """Some of them."""
        return Turns(*(getattr(self, field.name)[which] for field in fields(self)))

    def take(self, chosen: Tensor, mirrored: Tensor) -> Batch:
        """Those ``chosen (B,)``; ``mirrored bool (B, 1, 1, 1)``: which of them as in a mirror."""
        photo, rendered, edited, true = (
            signed(pictures[chosen]) for pictures in (self.photo, self.rendered, self.edited, self.true)
        )
        before, matte = (mattes[chosen][:, None].float() / 255 for mattes in (self.before, self.matte))
        batch = Batch(photo - rendered, edited, wanted(photo, edited, true, before, matte), matte)
        return Batch(*(torch.where(mirrored, x.flip(-1), x) for x in batch))


def wanted(photo: Tensor, edited: Tensor, true: Tensor, before: Tensor, matte: Tensor) -> Tensor:
    """The aligned map that makes the true edit of a low-rate edit, over the photo's background.

    Where the turned person is: true edit minus edit. Where the background was in sight: photo minus edit, for it stays.
    Where the person stood before and stands no longer: nothing, as the photo says nothing of what is behind them.

    Args:
        photo, edited, true: rgb ``float (B, 3, H, W)`` in [-1, 1].
        before, matte: the person of the photo and of the true edit, ``float (B, 1, H, W)`` in [0, 1].

    Returns:
        ``float (B, 3, H, W)`` in [-2, 2].
    """
    return matte * (true - edited) + (1 - matte) * (1 - before) * (photo - edited)


def miss(aligned: Tensor, target: Tensor, matte: Tensor) -> Tensor:
    """The mean distance (L1) of a map to the one wanted; what is outside the person counts `OUTSIDE` as much.

    Maps ``float (B, 3, H, W)``, ``matte (B, 1, H, W)`` -> a number.
    """
    weight = OUTSIDE + (1 - OUTSIDE) * matte
    return (weight * (aligned - target).abs()).sum() / (aligned.shape[1] * weight.sum())


def turned_chunk(
    faces: Path, cache: Path, name: str, generator: MobileStyleGAN, parser: Parser, pose: Tensor
) -> dict[str, npt.NDArray[Any]]:
    """The turns of a chunk of faces, made once and kept in the cache as ``turn~NNN.npz``.

    ``degree float32 (N,)``, uniform in [-4, 4] and a function of the chunk's name alone; ``true`` and ``edited uint8
    (N, 256, 256, 3)``, the face and its guess so far turned; ``matte`` and ``before uint8 (N, 256, 256)``, the persons
    of the true edit and of the photo; ``w float32 (N, 512)``, the guess that was turned. Other guesses are turned anew.

    Raises:
        FileNotFoundError: the faces of the guesses are not there.
        ValueError: there are more or fewer of them than guesses.
    """
    kept, source = cache / f"turn~{name}.npz", faces / f"faces~{name}.npz"
    with np.load(cache / f"guess~{name}.npz") as arrays:
        guessed = arrays["w"]
    if kept.exists():
        with np.load(kept) as arrays:
            if np.array_equal(arrays["w"], guessed):
                return dict(arrays)
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file; give the --faces whose guesses are in {cache}")
    with np.load(source) as arrays:
        w = arrays["w"]
    if len(w) != len(guessed):
        raise ValueError(
            f"{source}: expected {len(guessed)} faces, as many as guesses in {cache}, found {len(w)}; give the --faces"
            " whose guesses these are, or make the guesses anew"
        )
    with np.load(cache / f"photo~{name}.npz") as arrays:
        photo = arrays["rgb"]
    degree = Dice(0, int(name)).uniform(-FARTHEST, FARTHEST, len(w))
    device = generator.constant.device
    true, edited = (
        render_256(generator, (torch.from_numpy(codes) + degree[:, None] * pose).to(device)) for codes in (w, guessed)
    )
    made = {"true": true, "edited": edited, "before": mattes(parser, photo), "matte": mattes(parser, true)}
    made |= {"degree": degree.numpy(), "w": guessed}
    write_arrays(kept, made)
    return made


@torch.no_grad()
def mattes(parser: Parser, pictures: Uint8) -> Uint8:
    """The persons in pictures ``uint8 (N, H, W, 3)``: ``uint8 (N, H, W)``."""
    device = next(parser.parameters()).device
    parts = torch.from_numpy(pictures).split(25)
    found = [parser(signed(part).to(device)).mul(255).round().to(torch.uint8)[:, 0].cpu() for part in parts]
    return torch.cat(found).numpy()


def load_turns(faces: Path, cache: Path, models: Path) -> Turns:
    """The turns of all faces whose guesses the cache holds; those that are not there yet are made.

    Raises ``FileNotFoundError`` if there are no guesses.
    """
    names = [file.stem.partition("~")[2] for file in sorted(cache.glob("guess~*.npz"))]
    if not names:
        raise FileNotFoundError(f"{cache}: no guesses; run `python -m unripple.training.guesses` with this cache first")
    device = chosen_device()
    generator = load_generator(models).to(device, fast_dtype(device)).to(memory_format=torch.channels_last)
    parser, pose = load_parser(models).to(device), load_direction(models, "pose")
    parts: dict[str, list[Uint8]] = {field.name: [] for field in fields(Turns)}
    for name in tqdm(names, desc="turns", mininterval=10):
        made = turned_chunk(faces, cache, name, generator, parser, pose)
        with np.load(cache / f"photo~{name}.npz") as photo, np.load(cache / f"guess~{name}.npz") as guess:
            made |= {"photo": photo["rgb"], "rendered": guess["rgb"]}
        for key, found in parts.items():
            found.append(made[key])
    return Turns(**{key: torch.from_numpy(np.concatenate(found)) for key, found in parts.items()})
