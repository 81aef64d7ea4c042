"""The columns of the table: key in the files, label for people, unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", "neither"]

#: The name under which every table prints the shift-tolerant LPIPS on AlexNet.
ST_LPIPS = "st-lpips-alex"
#: The names of the networks behind a Fréchet distance. Only that of Inception is known as FID.
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

    ``short``: its label where there is little room; ``digits``: decimals in print; ``headline``: shown first.
    """

    key: str
    label: str
    short: str
    unit: str
    better: Better
    digits: int
    headline: bool = False

    @property
    def arrow(self) -> str:
        """Which way is better, as a sign; empty where neither is."""
        return {"lower": "↓", "higher": "↑", "neither": ""}[self.better]


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
            ),
            Column(
                f"psnr_{region}",
                f"PSNR to the truth, {region}",
                f"PSNR {region}",
                "dB",
                "higher",
                2,
                region in ("band", "background"),
            ),
            Column(
                f"ssim_{region}", f"SSIM to the truth, {region}", f"SSIM {region}", "", "higher", 3, region == "band"
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
    Column("fidelity_psnr", "Background against the photo, PSNR", "fidelity PSNR", "dB", "higher", 2),
    Column(
        "fidelity_difference",
        "Background against the photo, mean difference",
        "fidelity difference",
        "grey levels",
        "lower",
        2,
    ),
    Column("seam", "Seam at the mask's edge", "seam", "", "lower", 2),
    Column("harm", "Change of the edited person against the baseline", "harm", "grey levels", "lower", 2, True),
    Column("identity", "Identity: dlib distance to the photo", "identity distance", "", "lower", 3, True),
    Column("yaw", "Yaw", "yaw", "degrees", "neither", 1),
    Column("yaw_turned", "Yaw gained in the edit's direction", "yaw gained", "degrees", "neither", 1, True),
    # No loss: every method but the baseline itself is away from it.
    Column("yaw_shift", "Yaw away from the baseline", "yaw off baseline", "degrees", "neither", 2),
    *(
        Column(f"copied_{region}", f"Share of the {region} copied from the photo", f"copied {region}", "", "neither", 3)
        for region in ("band", "background", "person")
    ),
    Column("band_share", "Share of the picture uncovered", "band share", "", "neither", 3),
)

#: Metrics that only pictures with a known truth have.
TO_TRUTH = frozenset(column.key for column in _to_truth())
BY_KEY = {column.key: column for column in COLUMNS}
