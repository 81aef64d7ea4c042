"""The columns of the table: key in the files, label for people, unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", "neither"]
#: How a value is judged where the true edit is known: by itself (distances to the truth, whose best value is the
#: truth's own), by how near it is to the truth's own, or not at all.
Known = Literal["itself", "nearness", "nothing"]
#: What a difference speaks of: the distance to the truth's own value (less is better), the value, or neither.
Aim = Literal["truth", "lower", "higher", ""]

#: The name under which every table prints the shift-tolerant LPIPS on AlexNet.
ST_LPIPS = "st-lpips-alex"
#: The names of the networks behind distances of sets of pictures. Only those of Inception are known as KID and FID.
ST_ALEXNET, INCEPTION = "st-alexnet-conv5", "inception-v3"
#: What names a row.
KEYS = ("photo", "attribute", "degree", "method")
#: The baseline against which every other method is paired.
BASELINE = "hfgi"
#: The name of the rows that hold the true edit's own numbers: no method, but what a perfect one would get.
TRUTH = "truth"
#: The name under which photos without a known truth stand in sets of pictures.
PHOTO = "photo"


@dataclass(frozen=True)
class Column:
    """One measured quantity.

    ``short``: its label where there is little room; ``better``: which way is better where no truth is known;
    ``digits``: decimals in print; ``headline``: shown first; ``known``: how it is judged where the truth is known;
    ``ideal``: the truth's own value where that needs no truth; ``decibels``: averaged as squared errors.
    """

    key: str
    label: str
    short: str
    unit: str
    better: Better
    digits: int
    headline: bool = False
    known: Known = "nearness"
    ideal: float | None = None
    decibels: bool = False

    def aim(self, known: bool) -> Aim:
        """What a difference of this quantity speaks of, the truth being known or not."""
        if known and self.known == "nothing":
            return ""
        if (known and self.known == "nearness") or self.ideal is not None:
            return "truth"
        return "" if self.better == "neither" else self.better

    def sign(self, known: bool) -> str:
        """Which way is better, as a sign: lower, higher, to the truth's own value; empty where none is."""
        goal = TRUTH if self.ideal is None else f"{self.ideal:g}"
        return {"truth": f"→ {goal}", "lower": "↓", "higher": "↑", "": ""}[self.aim(known)]


def _to_truth() -> list[Column]:
    """Three distances over four regions."""
    columns = []
    for region in ("whole", "band", "background", "person"):
        columns += [
            Column(
                f"{ST_LPIPS}_{region}",
                f"ST-LPIPS (Alex) to the truth, {region}",
                f"{ST_LPIPS} {region}",
                "",
                "lower",
                3,
                region == "band",
                "itself",
            ),
            Column(
                f"psnr_{region}",
                f"PSNR to the truth, {region}",
                f"PSNR {region}",
                "dB",
                "higher",
                2,
                region in ("band", "background"),
                "itself",
                decibels=True,
            ),
            Column(
                f"ssim_{region}",
                f"SSIM to the truth, {region}",
                f"SSIM {region}",
                "",
                "higher",
                3,
                region == "band",
                "itself",
            ),
        ]
    return columns


COLUMNS: tuple[Column, ...] = (
    Column("ripple_energy", "Ripple energy in the band", "ripple energy", "", "lower", 3, True),
    Column("inner_ripples", "Ripples inside the person, over e4e", "inner ripples", "", "lower", 3),
    Column(
        "residual_person",
        "Share of the band that BlazePose calls person",
        "person in band (BlazePose)",
        "",
        "lower",
        3,
        True,
    ),
    *_to_truth(),
    # Where the truth is known, the PSNR to it says more.
    Column(
        "fidelity_psnr",
        "Background against the photo, PSNR",
        "fidelity PSNR",
        "dB",
        "higher",
        2,
        known="nothing",
        decibels=True,
    ),
    Column(
        "fidelity_difference",
        "Background against the photo, mean difference",
        "fidelity difference",
        "grey levels",
        "lower",
        2,
    ),
    Column("seam", "Seam at the mask's edge, over the truth's", "seam", "", "lower", 2, ideal=1.0),
    # A change may be one for the better: where the truth is known, the person's distances to it say so.
    Column(
        "harm",
        "Change of the edited person against the baseline",
        "harm",
        "grey levels",
        "lower",
        2,
        True,
        known="nothing",
    ),
    Column("identity", "Identity: dlib distance to the photo", "identity distance", "", "lower", 3, True),
    Column("yaw", "Yaw", "yaw", "degrees", "neither", 1, known="nothing"),
    Column("yaw_turned", "Yaw gained in the edit's direction", "yaw gained", "degrees", "neither", 1, True),
    Column("smile_gained", "Smile gained in the edit's direction", "smile gained", "", "neither", 3, True),
    # No loss: every method but the baseline itself is away from it.
    Column("yaw_shift", "Yaw away from the baseline", "yaw off baseline", "degrees", "neither", 2, known="nothing"),
    *(
        Column(
            f"copied_{region}",
            f"Share of the {region} copied from the photo",
            f"copied {region}",
            "",
            "neither",
            3,
            known="nothing",
        )
        for region in ("band", "background", "person")
    ),
    Column("band_share", "Share of the picture uncovered", "band share", "", "neither", 3, known="nothing"),
)

#: Metrics that only pictures with a known truth have.
TO_TRUTH = frozenset(column.key for column in _to_truth())
BY_KEY = {column.key: column for column in COLUMNS}
