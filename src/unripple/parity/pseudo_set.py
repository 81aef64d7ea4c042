"""A published set of models with the fixtures' pseudo-random weights: its study costs what the real one does."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from unripple.files.tensors import write_tensors
from unripple.networks.graphonomy import Graphonomy
from unripple.networks.hfgi import HFGI
from unripple.networks.lama import LamaGenerator
from unripple.parity.fill import fill_net, make_input
from unripple.weights.roles import LATENT_AVG, WITH_LATENT_AVG, Role, converted_file


def write_pseudo_set(folder: Path) -> None:
    """Write the files that a study of poses needs into ``folder``, 1.6 GB."""
    write_network(folder, "hfgi", "hfgi", HFGI())
    write_network(folder, "parser", "graphonomy", Graphonomy())
    write_network(folder, "inpainter", "lama", LamaGenerator())
    directions = {"pose": nn.functional.normalize(torch.from_numpy(make_input("pose", (512,))), dim=0)}
    write_tensors(converted_file(folder, "directions"), directions, {"role": "directions"})


def write_network(folder: Path, role: Role, net: str, network: nn.Module, prefix: str = "") -> None:
    """A file as `unripple weights convert` would write it; ``net``: the fixtures' name of the network.

    ``prefix`` goes before each key.
    """
    state = network.state_dict()
    fill_net(net, state)
    tensors = {prefix + key: value for key, value in state.items()}
    if role in WITH_LATENT_AVG:
        tensors[LATENT_AVG] = torch.from_numpy(make_input("latent_avg", (18, 512), 0.0, 0.5))
    write_tensors(converted_file(folder, role), tensors, {"role": role})
