"""How a photo becomes a code: the inverters, and how many steps each takes where nobody says."""

from __future__ import annotations

from typing import Final, Literal, get_args

#: e4e: the set's encoder. psp: pSp's. hybrid: the encoder's code, corrected by itself and refined within W, or near it.
#: i2s: optimised in W+ from the mean. pti: the set's own inversion, and then the generator tuned for the photo.
Inverter = Literal["e4e", "psp", "hybrid", "i2s", "pti"]
INVERTERS: Final[tuple[Inverter, ...]] = get_args(Inverter)

#: By set of models: the inverters that it has, the first by default, and their steps.
STEPS: Final[dict[str, dict[Inverter, int]]] = {
    "lite": {"hybrid": 8, "e4e": 0, "i2s": 100, "pti": 10},
    "published": {"e4e": 0, "psp": 0, "i2s": 5000, "pti": 350},
}


def own(models: str) -> tuple[Inverter, int]:
    """The inverter of a set by default, and its steps."""
    return next(iter(STEPS[models].items()))


def spelled(method: Inverter, steps: int) -> str:
    """As a path spells it: ``e4e``, ``hybrid-8``."""
    return f"{method}-{steps}" if steps else method


def read(text: str) -> tuple[Inverter, int]:
    """The inverse of `spelled`."""
    method, _, steps = text.partition("-")
    return next(one for one in INVERTERS if one == method), int(steps or 0)
