"""Files of recorded reference outputs: what they are of, and the inputs that made them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unripple.parity.compare import Array
from unripple.parity.fill import PREFIX, image_to_unit, make_image, make_input, make_mask

Meta = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One fixture file."""

    path: Path
    meta: Meta

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def net(self) -> str:
        return str(self.meta["net"])

    @property
    def size(self) -> int:
        """Of the generator, where there is one."""
        return int(self.meta.get("size", 1024))


def cases(folder: Path) -> list[Case]:
    """The fixtures of a folder, those of one network side by side.

    Raises:
        FileNotFoundError: there are none.
        ValueError: a file is no fixture, or its network is unknown.
    """
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise FileNotFoundError(f"{folder}: expected fixtures (*.npz), found none")
    found = [Case(path, _meta(path)) for path in paths]
    return sorted(found, key=lambda case: (case.net, case.size, case.name))


def _meta(path: Path) -> Meta:
    with np.load(path, allow_pickle=False) as fixture:
        if "meta" not in fixture:
            raise ValueError(f"{path}: expected an array 'meta' with the inputs as JSON, found {sorted(fixture)[:5]}")
        meta: Meta = json.loads(str(fixture["meta"]))
    if meta.get("net") not in PREFIX:
        raise ValueError(f"{path}: expected net to be one of {sorted(PREFIX)}, found {meta.get('net')!r}")
    return meta


def inputs(meta: Meta) -> dict[str, Array]:
    """The inputs of a case by name, made from their recipes in ``meta``."""
    recipes = meta["inputs"]
    made = {name: _made(recipe) for name, recipe in recipes.items() if isinstance(recipe, list)}
    if "mask_edit" in recipes:
        made["mask"] = _edited_mask(made["mask"], recipes["mask_edit"])
    return made


def _made(recipe: list[Any]) -> Array:
    """An input from what makes it, the seed's name, and the shape."""
    maker, name, *rest = recipe
    if maker == "make_input":
        shape, *moments = rest
        return make_input(name, tuple(shape), *moments)
    height, width = rest[:2]
    if maker == "image_to_unit(make_image), batch":
        return np.concatenate([image_to_unit(make_image(n, height, width)) for n in name])
    if maker == "image_to_unit(make_image)":
        return image_to_unit(make_image(name, height, width))
    if maker.startswith("make_image(...)/255"):
        return make_image(name, height, width).transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
    if maker.startswith("make_image"):
        return make_image(name, height, width)
    if maker == "make_mask > 0":
        return (make_mask(name, height, width) > 0)[None, None]
    if maker == "make_mask":
        return make_mask(name, height, width)
    raise ValueError(f"fixture input: expected a known maker, found {maker!r}")


def _edited_mask(mask: Array, edit: str) -> Array:
    """The mask with some soft pixels and a full corner, as the fixture's ``mask_edit`` says."""
    found = re.search(r"\[ys\[::(\d+)\], xs\[::(\d+)\]\] = (\d+); mask\[h-(\d+):, w-(\d+):\] = (\d+)", edit)
    if found is None:
        raise ValueError(f"mask_edit: expected soft pixels and a corner, found {edit!r}")
    step_y, step_x, soft, down, right, full = map(int, found.groups())
    mask = mask.copy()
    ys, xs = np.nonzero(mask)
    mask[ys[::step_y], xs[::step_x]] = soft
    mask[-down:, -right:] = full
    return mask
