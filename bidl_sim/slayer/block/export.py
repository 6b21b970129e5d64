"""A block as one layer of a .net file."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.netx.lava.file import Layer, write_layer
from bidl_sim.netx.lava.synapses import synapse_members
from bidl_sim.processes import LateralInhibition, WeightScaleBatchNorm
from bidl_sim.processes.quantization import Grid
from bidl_sim.typing import Shape


def export(
    group: h5py.Group,
    kind: str,
    network: Network,
    shape: Shape,
    scale: int,
    neuron: dict[str, Any] | None,
) -> None:
    """Write the processes of a block, which have the names that `Block` gives them."""
    parts = network.processes
    fields: dict[str, Any] = {}
    synapses = {
        name.removeprefix("synapse").replace("_", "/"): process
        for name, process in parts.items()
        if name.startswith("synapse")
    }
    if synapses:
        fields.update(synapse_members(synapses, scale))
    again = {
        name.removeprefix("recurrent_synapse").replace("_", "/"): process
        for name, process in parts.items()
        if name.startswith("recurrent_synapse")
    }
    for part, process in again.items():
        key = f"weight{part}"
        if isinstance(process, LateralInhibition):
            found = {key: _inhibition(process, int(fields["outFeatures"]), scale)}
        else:
            found = synapse_members({part: process}, scale)
        fields[key.replace("weight", "weight_rec")] = found[key]
    norm: Any = parts.get("norm")
    if norm is not None:
        fields["bias"] = _bias(norm, scale)
        if isinstance(norm, WeightScaleBatchNorm) and neuron is not None:
            exponent = np.ceil(np.log2(np.sqrt(norm.var + norm.eps)))
            neuron["weight_exp"] = np.reshape(exponent, 1).astype(np.float32)
    if "bias" in parts:  # what drives the neurons of a KWTA block
        offset: Any = parts["bias"]
        value = scale * float(Grid(scale, 8)(offset.bias))
        bias = np.full(int(fields["outFeatures"]), value, np.float32)
        fields["bias"] = fields.get("bias", 0) + bias
    if "transform" in parts:
        transform: Any = parts["transform"]
        grid = Grid(scale, 8)
        fields["weight"] = (scale * np.reshape(grid(transform.weight), (1,))).astype(np.float32)
        fields["bias"] = (scale * np.reshape(grid(transform.bias), (1,))).astype(np.float32)
    if "delay" in parts:
        delay: Any = parts["delay"]
        fields["delay"] = np.floor(delay.delay).astype(np.float32)
    write_layer(group, Layer(str(group.name), kind, shape, fields, neuron))


def _bias(norm: Any, scale: int) -> Any:
    return (-scale * Grid(scale, 8)(np.asarray(norm.mean))).astype(np.float32)


def _inhibition(process: LateralInhibition, size: int, scale: int) -> Any:
    own, other = process.own_and_other(process.self_excitation)
    return (scale * np.where(np.eye(size, dtype=bool), own, other)).astype(np.float32)
