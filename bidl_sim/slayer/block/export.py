"""A block as one layer of a .net file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import h5py

from bidl_sim.core.network import Network
from bidl_sim.netx.lava.file import write_layer
from bidl_sim.netx.lava.writing import layers
from bidl_sim.typing import Shape


def export(
    group: h5py.Group, network: Network, shape: Shape, neuron: dict[str, Any] | None
) -> None:
    """Write the network of a block, with the output's shape and the neuron that the block says."""
    (layer,) = layers(network, as_blocks=True)
    if neuron and layer.neuron and "weight_exp" in layer.neuron:
        neuron["weight_exp"] = layer.neuron["weight_exp"]
    write_layer(group, replace(layer, shape=shape, neuron=neuron))
