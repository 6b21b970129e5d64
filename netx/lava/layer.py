"""Writing one layer of a .net file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from bidl_sim.core.process import Process
from bidl_sim.processes import Conv2d, ConvTranspose2d, Dense, SumPool2d, Unpool2d
from bidl_sim.typing import Array, Shape


def write_layer(
    group: h5py.Group,
    kind: str,
    shape: Shape,
    fields: Mapping[str, Any],
    neuron: Mapping[str, Any] | None,
) -> None:
    """Fill a group: type, output shape in the order (channel, height, width), members, neuron.

    Nothing is written before everything has been checked to have a form, so that no half group
    stays behind.
    """
    group.create_dataset("type", (1,), "S10", kind.encode())
    group.create_dataset("shape", data=np.array(shape, np.int64))
    for name, value in fields.items():
        group.create_dataset(name, data=value)
    if neuron is not None:
        inner = group.create_group("neuron")
        for name, value in neuron.items():
            inner.create_dataset(name, data=value)


def synapse_fields(synapses: Mapping[str, Process], scale: int) -> dict[str, Any]:
    """Sizes and weights of a layer's synapse: ``""`` one, or ``real`` and ``imag`` of a pair."""
    first: Any = next(iter(synapses.values()))
    fields: dict[str, Any] = {}
    if isinstance(first, Dense):
        fields["inFeatures"] = np.int64(first.in_features)
        fields["outFeatures"] = np.int64(first.out_features)
    elif isinstance(first, (Conv2d, ConvTranspose2d)):
        fields["inChannels"] = np.int64(first.in_channels)
        fields["outChannels"] = np.int64(first.out_channels)
        fields["groups"] = np.int64(first.groups)
    if not isinstance(first, Dense):
        dilation = getattr(first, "dilation", (1, 1))
        fields["kernelSize"] = np.array(first.kernel_size, np.int64)
        fields["stride"] = np.array(first.stride or first.kernel_size, np.int64)
        fields["padding"] = np.array(first.padding, np.int64)
        fields["dilation"] = np.array(dilation, np.int64)
    for part, synapse in synapses.items():
        fields["/".join(filter(None, ("weight", part)))] = mantissas(synapse, scale)
    return fields


def mantissas(synapse: Any, scale: int) -> Array:
    """The weights that are used, in a chip's whole numbers."""
    if isinstance(synapse, (SumPool2d, Unpool2d)):
        return np.full((1, 1, *synapse.kernel_size), scale * synapse.weight, np.float32)
    weight = np.asarray(synapse.effective_weight(synapse.parameters()))
    return (scale * weight).astype(np.float32)
