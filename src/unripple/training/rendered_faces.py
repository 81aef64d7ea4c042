"""Rendered faces for training: chunks of pictures with their codes, made once, resumed where they stopped.

``python -m unripple.training.rendered_faces --models models/lite --out FOLDER --chunks 40``

A chunk is ``faces~NNN.npz`` with ``rgb uint8 (N, 256, 256, 3)``, ``w float32 (N, 512)`` and ``degree float32 (N,)``,
the pose degree already added to ``w``. A chunk's content depends on its number and the settings alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from torch import Tensor
from tqdm import tqdm

from unripple.files.data import write_arrays
from unripple.files.tensors import to_256, to_uint8
from unripple.jobs import allocator
from unripple.models.devices import chosen_device, fast_dtype
from unripple.networks.mobile_stylegan import MobileStyleGAN, rows
from unripple.networks.small_picture import small_picture
from unripple.networks.w_space import CodeSampler
from unripple.weights.lite import load_direction, load_generator, load_mapping

CHUNK = 250
TRUNCATION = (0.6, 1.0)
#: Faces that a GPU renders at once.
TOGETHER = 50
#: Share of faces that are turned, and how far (InterfaceGAN degrees, as in the study).
TURNED, FARTHEST = 0.5, 4.0


@torch.no_grad()
def render_256(generator: MobileStyleGAN, w: Tensor) -> npt.NDArray[np.uint8]:
    """Codes ``w (N, 512)`` -> ``uint8 (N, 256, 256, 3)``, in the generator's dtype; bfloat16 is 50 dB from float32."""
    w = w.to(generator.constant)
    if w.device.type == "cpu":  # the strips take half the time in bfloat16
        pictures = [to_uint8(small_picture(generator, rows(code)).float()) for code in w.split(1)]
    else:
        pictures = [to_uint8(to_256(generator(rows(codes))).float()) for codes in w.split(TOGETHER)]
    return np.concatenate(pictures)


def render_chunk(
    number: int, generator: MobileStyleGAN, sampler: CodeSampler, pose: Tensor | None, count: int = CHUNK
) -> dict[str, npt.NDArray[np.generic]]:
    """One chunk as a dict of arrays. Without a ``pose`` direction nobody is turned."""
    w = sampler.draw(count)
    degree = torch.zeros(count)
    if pose is not None:
        random = torch.Generator().manual_seed(number)
        turned = torch.rand(count, generator=random) < TURNED
        degree = torch.where(turned, FARTHEST * (2 * torch.rand(count, generator=random) - 1), degree)
        w = w + degree[:, None] * pose
    return {"rgb": render_256(generator, w), "w": w.numpy(), "degree": degree.numpy()}


def chunks(folder: Path) -> list[Path]:
    """The chunks in ``folder``, in order.

    Raises ``FileNotFoundError`` if there is none.
    """
    found = sorted(folder.glob("faces~*.npz"))
    if not found:
        raise FileNotFoundError(
            f"{folder}: no rendered faces; make them with `python -m unripple.training.rendered_faces`"
        )
    return found


def load(folder: Path, *, limit: int | None = None) -> Iterator[dict[str, npt.NDArray[np.generic]]]:
    """The chunks of ``folder`` one by one, at most ``limit`` of them."""
    for file in chunks(folder)[:limit]:
        with np.load(file) as arrays:
            yield dict(arrays)


def main(
    out: Annotated[Path, typer.Option(help="Folder of the chunks.")],
    models: Annotated[Path, typer.Option(help="Folder of the converted generator.")] = Path("models/lite"),
    first: Annotated[int, typer.Option(min=0)] = 0,
    chunks: Annotated[int, typer.Option(min=1)] = 40,
    turned: Annotated[bool, typer.Option(help="Turn some heads; needs the pose direction.")] = True,
    seed: int = 100,
) -> None:
    """Render chunks FIRST to FIRST + CHUNKS; chunks that are there are kept."""
    torch.set_grad_enabled(False)
    out.mkdir(parents=True, exist_ok=True)
    device = chosen_device()
    generator = load_generator(models).to(device, fast_dtype(device)).to(memory_format=torch.channels_last)
    mapping = load_mapping(models)
    pose = load_direction(models, "pose") if turned else None
    for number in tqdm(range(first, first + chunks), desc="faces", mininterval=10):
        file = out / f"faces~{number:03d}.npz"
        if file.exists():
            continue
        arrays = render_chunk(number, generator, CodeSampler(mapping, seed=seed + number, truncation=TRUNCATION), pose)
        write_arrays(file, arrays)


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
