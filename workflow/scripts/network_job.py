"""What scripts that run networks start with, beside `job`: models, threads, pictures as tensors."""

from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from job import snakemake
from unripple.files.pictures import read_matte, read_rgb
from unripple.files.tensors import to_tensor
from unripple.models import ModelSet
from unripple.models.devices import only_deterministic
from unripple.models.directions import direction_of
from unripple.settings.attributes import is_named


def models() -> ModelSet:
    """The set of models whose files are among the job's inputs, in a folder named for it."""
    folder = Path(next(file for file in snakemake.input if file.endswith(".safetensors"))).parent
    # By a computed name, which no fingerprint follows: a rule's own fingerprint names the set (`code_of`).
    loaded: ModelSet = import_module(f"unripple.models.{folder.name}").load(folder)
    return loaded


def direction(networks: ModelSet) -> Tensor:
    """The direction of the job's edit, ``(512,)`` or ``(18, 512)``: a named attribute's, or in the study's own file."""
    attribute = snakemake.wildcards.attribute
    return direction_of(networks, attribute if is_named(attribute) else snakemake.input.directions)


def inversion(path: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Of an inversion's ``.npz``: ``w_plus (18, 512)``, ``distortion float32 (3, 256, 256)`` and ``tuned (P,)``."""
    with np.load(path) as arrays:
        w_plus, distortion, tuned = (torch.from_numpy(arrays[key]) for key in ("w_plus", "distortion", "tuned"))
    return w_plus, distortion.float(), tuned


def motion(path: Path) -> Tensor:
    """The backward motion of a motion's ``.npz``, ``float32 (H, W, 2)``."""
    with np.load(path) as arrays:
        return torch.from_numpy(arrays["backward"].astype(np.float32))


def batch() -> int | None:
    """Photos at a time: one where each has a generator of its own, else what fits."""
    return 1 if snakemake.wildcards.invert.startswith("pti") else None


def picture(path: Path) -> Tensor:
    """A picture as ``float32 (3, H, W)`` in [-1, 1]."""
    return to_tensor([read_rgb(path)])[0]


def matte(path: Path) -> Tensor:
    """A soft matte as ``float32 (1, H, W)`` in [0, 1]."""
    return torch.from_numpy(np.asarray(read_matte(path)))[None]


torch.set_num_threads(snakemake.threads)
if snakemake.config.get("compute", {}).get("deterministic"):
    only_deterministic()
torch.set_grad_enabled(False)
