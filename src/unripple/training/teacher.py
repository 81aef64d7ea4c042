"""The parser's teacher: MediaPipe's selfie segmentation, run over chunks of rendered faces.

``python -m unripple.training.teacher --faces FOLDER`` in an environment of its own (requirements/teacher.txt):
mediapipe 0.10.21 is the last release that ships its models and pins numpy below 2. So this module imports neither
torch nor the rest of the package. For every ``faces~NNN.npz`` with ``rgb uint8 (N, H, W, 3)`` it writes
``mattes~NNN.npz`` with ``matte uint8 (N, H, W)``, and skips what is done already.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Picture = npt.NDArray[np.uint8]
Matte = npt.NDArray[np.float32]

FACES, MATTES = "faces~", "mattes~"


def without_holes(matte: Matte) -> Matte:
    """The matte (H, W) with what the largest person encloses filled, and what lies apart from it removed.

    The teacher sometimes misses a patch inside a person (a hat, a bright forehead) and sees people in textures.
    The soft edge of the person stays as it is.
    """
    labels, count = ndimage.label(matte > 0.5)
    if count == 0:
        return np.zeros_like(matte)
    person = labels == 1 + int(np.argmax(ndimage.sum_labels(np.ones_like(labels), labels, np.arange(1, count + 1))))
    # The person's lower edge leaves the picture: a gap there between an arm and the body is background, no hole.
    holes = ndimage.binary_fill_holes(person) & ~person
    near = ndimage.binary_dilation(person, iterations=max(2, matte.shape[0] // 32))
    filled = np.where(holes, 1.0, matte)
    return np.where(near | person | holes, filled, 0.0).astype(np.float32)


def decided(matte: Matte, low: float = 0.15, high: float = 0.85) -> Matte:
    """A smooth step from ``low`` to ``high``: the teacher's grey doubts beside a dark head are not half-transparent.

    What is above one half stays above it.
    """
    x = np.clip((matte - low) / (high - low), 0, 1)
    return np.asarray(x * x * (3 - 2 * x), dtype=np.float32)


def teach(segment: Callable[[Picture], Matte], picture: Picture) -> Matte:
    """Mean of the teacher's mattes of a picture (H, W, 3) and of its mirror image, cleaned; float32 (H, W), [0, 1]."""
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    return decided(without_holes(0.5 * (segment(picture) + segment(mirrored)[:, ::-1])))


def selfie_segmentation() -> Callable[[Picture], Matte]:
    """MediaPipe's general model (256 x 256)."""
    import mediapipe  # here alone: the rest of this module is tested without it

    solution = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)

    def segment(picture: Picture) -> Matte:
        return np.asarray(solution.process(picture).segmentation_mask, dtype=np.float32).copy()

    return segment


def mattes_of(chunk: Path) -> Path:
    """Where the mattes of a chunk ``faces~NNN.npz`` are: beside it."""
    return chunk.with_name(MATTES + chunk.name.removeprefix(FACES))


def run(faces: Path, segment: Callable[[Picture], Matte]) -> int:
    """Write the mattes that are missing in folder ``faces``; returns how many pictures were looked at."""
    looked_at = 0
    for chunk in sorted(faces.glob(f"{FACES}*.npz")):
        target = mattes_of(chunk)
        if target.exists():
            continue
        with np.load(chunk) as arrays:
            pictures = arrays["rgb"]
        mattes = np.stack([np.rint(teach(segment, p) * 255).astype(np.uint8) for p in pictures])
        part = target.with_suffix(".part")
        with part.open("wb") as stream:
            np.savez_compressed(stream, matte=mattes)
        part.replace(target)
        looked_at += len(pictures)
    return looked_at


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of chunks faces~NNN.npz")
    faces: Path = parser.parse_args().faces
    print(f"{run(faces, selfie_segmentation())} pictures")


if __name__ == "__main__":
    main()
