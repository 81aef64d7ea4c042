"""The names of the networks of each set, for tables and figures."""

from __future__ import annotations

from typing import Final

#: Set of models -> role -> network.
NETWORKS: Final = {
    "lite": {
        "generator": "MobileStyleGAN-FFHQ",
        "encoder": "e4e-lite",
        "consultation": "HFGI-lite",
        "parser": "parser-lite",
        "inpainter": "lama-lite",
    },
    "published": {
        "generator": "StyleGAN2-FFHQ",
        "encoder": "e4e",
        "consultation": "HFGI",
        "parser": "Graphonomy",
        "inpainter": "big-LaMa",
    },
}
