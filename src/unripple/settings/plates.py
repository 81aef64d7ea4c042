"""Names of background plates: photographs that ship in wheels. `unripple.known_plate.plates` makes views of them."""

from __future__ import annotations

from typing import Final

#: Photographs behind the study's known-plate portraits.
STUDY_PLATES: Final = ("coffee", "grass", "motorcycle_left", "rocket")
#: Photographs for larger known-plate sets: with those above all that dependencies ship under a stated free licence,
#: that show no person and that no training saw.
MORE_PLATES: Final = ("china", "flower", "cell", "text")
#: Photographs that trainings may use. Never `motorcycle_right`, which shows a scene of the study.
TRAINING_PLATES: Final = (
    "brick",
    "chelsea",
    "clock_motion",
    "coins",
    "gravel",
    "hubble_deep_field",
    "ihc",
    "retina",
)
