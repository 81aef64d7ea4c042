"""The label graphs that Graphonomy reasons on (Gong et al., CVPR 2019, section 3.2) and how they are normalised."""

from __future__ import annotations

import torch
from torch import Tensor

#: Labels of CIHP, the target; 0 is the background, every other label is part of a person.
CIHP_LABELS = (
    "background",
    "hat",
    "hair",
    "glove",
    "sunglasses",
    "upper-clothes",
    "dress",
    "coat",
    "socks",
    "pants",
    "torso-skin",
    "scarf",
    "skirt",
    "face",
    "left-arm",
    "right-arm",
    "left-leg",
    "right-leg",
    "left-shoe",
    "right-shoe",
)
#: Labels of PASCAL-Person-Part, the source.
PASCAL_LABELS = ("background", "head", "torso", "upper-arm", "lower-arm", "upper-leg", "lower-leg")

#: Pairs of CIHP labels (with their left and right) that swap when a picture is mirrored.
MIRRORED_LABELS = ((14, 15), (16, 17), (18, 19))

#: For each CIHP label the later labels whose parts touch its own.
CIHP_NEIGHBOURS: dict[int, tuple[int, ...]] = {
    1: (2, 13),
    2: (13,),
    3: (14, 15),
    4: (13,),
    5: (6, 7, 9, 10, 11, 12, 14, 15),
    6: (7, 10, 11, 14, 15, 16, 17),
    7: (9, 10, 11, 12, 14, 15),
    8: (16, 17, 18, 19),
    9: (10, 16, 17, 18, 19),
    10: (11, 12, 13, 14, 15, 16, 17),
    11: (13,),
    12: (16, 17),
    16: (18,),
    17: (19,),
}
#: The same for PASCAL-Person-Part.
PASCAL_NEIGHBOURS: dict[int, tuple[int, ...]] = {1: (2,), 2: (3, 5), 3: (4,), 5: (6,)}

#: Similarity of the labels' word vectors, one row for each CIHP label, one column for each PASCAL label.
WORD_SIMILARITY = (
    (1.0, 0.39615878, 0.16373166, 0.32687232, 0.34069368, 0.28477487, 0.3011378),
    (0.35333052, 0.4620153, 0.2166334, 0.3848246, 0.34817293, 0.35139564, 0.31775978),
    (0.32727194, 0.5232147, 0.3053872, 0.37693462, 0.37525997, 0.4274235, 0.42922646),
    (0.17418084, 0.30826113, 0.28377613, 0.41610834, 0.36497068, 0.4166432, 0.36896256),
    (0.18757585, 0.25669527, 0.1372435, 0.20415749, 0.17841616, 0.20004676, 0.17597556),
    (0.40608522, 0.5474777, 0.4448808, 0.7674908, 0.6974621, 0.7856683, 0.7221466),
    (0.37503982, 0.3670523, 0.29479995, 0.35139853, 0.31731462, 0.42237487, 0.39162803),
    (0.35448462, 0.3901983, 0.31092596, 0.3787411, 0.34628952, 0.41048548, 0.3813787),
    (0.22598556, 0.27519473, 0.22703953, 0.28411737, 0.25167277, 0.37933812, 0.34980297),
    (0.23893578, 0.3433325, 0.33983576, 0.35155421, 0.3207238, 0.46542516, 0.4381842),
    (0.3306426, 0.5272851, 0.7577882, 0.5879262, 0.56711286, 0.6244476, 0.60879177),
    (0.28923404, 0.32771334, 0.2619818, 0.3114172, 0.24894775, 0.3274493, 0.26762545),
    (0.27986574, 0.34819326, 0.37069392, 0.4058511, 0.37000453, 0.49466008, 0.4627116),
    (0.4211553, 0.6388295, 0.35184866, 0.5118922, 0.5260086, 0.49314657, 0.51150477),
    (0.3691578, 0.6804292, 0.49877512, 0.82042736, 0.82483995, 0.71244234, 0.72318107),
    (0.41377747, 0.69368577, 0.49979436, 0.8342413, 0.8496627, 0.71497005, 0.736784),
    (0.3248577, 0.6339579, 0.51853275, 0.7073219, 0.7033991, 0.8234787, 0.8262039),
    (0.3724822, 0.6534434, 0.5251754, 0.727525, 0.7344938, 0.8356659, 0.8494217),
    (0.3686564, 0.5953878, 0.3251774, 0.6032733, 0.5664961, 0.6259714, 0.5943811),
    (0.41500333, 0.6071375, 0.3237731, 0.61431336, 0.58888793, 0.62626815, 0.606076),
)


def _adjacency(labels: int, neighbours: dict[int, tuple[int, ...]]) -> Tensor:
    adjacency = torch.eye(labels)
    for label, others in neighbours.items():
        for other in others:
            adjacency[label, other] = adjacency[other, label] = 1
    return adjacency


def _normalise(adjacency: Tensor) -> Tensor:
    """``D^-1/2 A D^-1/2`` (Kipf and Welling, ICLR 2017, equation 2)."""
    root = adjacency.sum(dim=1).rsqrt()
    return root[:, None] * adjacency * root


def cihp_graph() -> Tensor:
    """The normalised target graph, ``float (20, 20)``."""
    return _normalise(_adjacency(len(CIHP_LABELS), CIHP_NEIGHBOURS))


def pascal_graph() -> Tensor:
    """The normalised source graph, ``float (7, 7)``.

    The published network counts each label's loop to itself twice in this graph.
    """
    labels = len(PASCAL_LABELS)
    return _normalise(_adjacency(labels, PASCAL_NEIGHBOURS) + torch.eye(labels))


def transfer_graph() -> Tensor:
    """From source to target labels: ``float (20, 7)``, each row sums to 1."""
    return torch.softmax(torch.relu(torch.tensor(WORD_SIMILARITY)), dim=-1)
