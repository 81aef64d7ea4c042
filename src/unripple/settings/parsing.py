"""How the parser is run: at which side, and the published one at which scales."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Graphonomy's, in the order in which its logits are summed.
SCALES: Final = (1.0, 0.5, 0.75, 1.25, 1.5, 1.75)
#: Pictures are parsed as they are stored.
STORED: Final = "stored"
#: What `spelled` gives, for a path's pattern.
PATTERN: Final = r"(stored|\d+)(-[0-9.]+(_[0-9.]+)*)?"


@dataclass(frozen=True)
class Parsing:
    """``side``: larger pictures are made this small before; None: none are. ``scales``: some of `SCALES`."""

    side: int | None = None
    scales: tuple[float, ...] = SCALES

    def spelled(self) -> str:
        """As a path spells it: ``stored``, ``512``, ``512-1_0.75``."""
        some = "" if self.scales == SCALES else "-" + "_".join(f"{scale:g}" for scale in self.scales)
        return f"{self.side or STORED}{some}"


#: The published flow.
WHOLE: Final = Parsing()


def of_settings(side: int | str, scales: Sequence[float]) -> Parsing:
    """What the settings ``parse.side`` and ``parse.scales`` say; scales in Graphonomy's order."""
    return Parsing(None if isinstance(side, str) else side, tuple(scale for scale in SCALES if scale in scales))


def read(text: str) -> Parsing:
    """The inverse of `Parsing.spelled`. Raises ``ValueError`` for what it never gives."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"parse: expected such as stored or 512-1_0.75, found {text}")
    side, _, scales = text.partition("-")
    some = [float(one) for one in scales.split("_") if one]
    return of_settings(side if side == STORED else int(side), some or SCALES)
