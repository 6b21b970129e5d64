"""Recorded signals in NIR's files for data: what nodes did, on a grid of steps or as events.

What is in a group is told by its members: ``data`` on a grid, ``idx`` and ``time`` of events, with
``value`` where an event carries one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bidl_sim.errors import FormatError, ParameterError
from bidl_sim.netx.guard import open_guarded
from bidl_sim.netx.native import MAX_VALUES
from bidl_sim.netx.nir.options import checked
from bidl_sim.netx.replace import replacing
from bidl_sim.probe import Probe
from bidl_sim.typing import Array


@dataclass(frozen=True)
class Recorded:
    """What was recorded: values ``(sample, step, neuron)``, a step of ``dt`` seconds."""

    data: Array
    dt: float


# -- writing -------------------------------------------------------------------------------------


def write_signals(path: str | Path, probes: Iterable[Probe], dt: float) -> None:
    """Write what probes recorded; ``lif1.s_out`` is the observable s_out of the node lif1.

    ``dt`` is the timestep of the simulation in s. Spikes are written as truth values; all axes of
    a population become one.
    """
    dt = checked("write_signals, dt", "dt", dt)
    with replacing(path) as file:
        file.attrs["__type__"] = "NIRGraphData"
        for probe in probes:
            node, _, name = probe.path.rpartition(".")
            group = file.require_group(f"nodes/{node}")
            group.attrs["__type__"] = "NIRNodeData"
            if f"observables/{name}" in group:
                raise ParameterError("write_signals", f"two probes recorded {probe.path!r}")
            signal = group.create_group(f"observables/{name}")
            signal.attrs["__type__"] = "TimeGriddedData"
            signal.attrs["dt"] = dt * probe.every
            signal.create_dataset("data", data=_gridded(probe), compression="gzip")


def _gridded(probe: Probe) -> Array:
    values = probe.data
    if values.ndim < len(probe.shape) + 2:
        values = values[None]
    values = values.reshape(*values.shape[:2], -1)
    is_spikes = bool(np.isin(values, (0, 1)).all())
    return values.astype(bool) if is_spikes else values


# -- reading -------------------------------------------------------------------------------------


def read_signals(path: str | Path, dt: float | None = None) -> dict[str, Recorded]:
    """What a file recorded, by ``<node>.<observable>``.

    Events go to the grid of ``dt``: step floor(time / dt), where what rounding took away is given
    back. Without ``dt`` a file with events is refused.
    """
    dt = None if dt is None else checked("read_signals, dt", "dt", dt)
    with open_guarded(path, texts=True, compressed=True) as file:
        found = dict(_walk(file, str(path), dt))
    return {name.lstrip("."): recorded for name, recorded in found.items()}


def _walk(group: h5py.Group, path: str, dt: float | None, prefix: str = "") -> Any:
    where = f"{path}: {group.name}"
    if "nodes" in group:
        for name, inner in _group(group["nodes"], where).items():
            yield from _walk(_group(inner, where), path, dt, f"{prefix}.{name}")
    elif "observables" in group:
        for name, inner in _group(group["observables"], where).items():
            signal = _group(inner, where)
            yield f"{prefix}.{name}", _recorded(signal, f"{path}: {signal.name}", dt)
    else:
        raise FormatError(where, "has neither nodes nor observables")


def _group(item: Any, where: str) -> h5py.Group:
    if not isinstance(item, h5py.Group):
        raise FormatError(where, f"holds {item.name}, which must be a group")
    return item


def _recorded(group: h5py.Group, where: str, dt: float | None) -> Recorded:
    members = set(group)
    if members == {"data"}:
        data = _array(group, "data", where, "biuf")
        if data.ndim != 3:
            raise FormatError(f"{where}/data", f"must be (sample, step, neuron), is {data.shape}")
        return Recorded(data, _number(group, "dt", where))
    if members not in ({"idx", "time"}, {"idx", "time", "value"}):
        raise FormatError(where, f"holds {sorted(members)}, wanted data, or idx and time")
    if dt is None:
        raise FormatError(where, "holds events, which have no timestep", "pass dt= in seconds")
    index, time = _array(group, "idx", where, "iu"), _array(group, "time", where, "f")
    value = _array(group, "value", where, "biuf") if "value" in members else np.ones(index.shape)
    if index.ndim != 2 or not index.shape == time.shape == value.shape:
        raise FormatError(where, "its arrays must be (sample, event), all of one shape")
    neurons, end = _number(group, "n_neurons", where), _number(group, "t_max", where)
    steps = math.ceil(end / dt - 1e-6)
    if neurons != int(neurons) or steps * neurons * len(index) > MAX_VALUES:
        raise FormatError(where, f"would be {len(index)} x {steps} x {neurons:g} values")
    sample, event = np.nonzero(index >= 0)
    neuron, at = index[sample, event], time[sample, event] / dt + 1e-6
    if not (np.all(neuron < neurons) and np.all(at >= 0) and np.all(at < steps)):
        raise FormatError(where, "an event lies outside its neurons or its time")
    data = np.zeros((len(index), steps, int(neurons)), value.dtype)
    data[sample, np.floor(at).astype(np.int64), neuron] = value[sample, event]
    return Recorded(data if "value" in members else data.astype(bool), dt)


def _array(group: h5py.Group, name: str, where: str, kinds: str) -> Array:
    item = group[name]
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in kinds:
        raise FormatError(f"{where}/{name}", "must be an array of numbers")
    return np.asarray(item[()])


def _number(group: h5py.Group, name: str, where: str) -> float:
    if name not in group.attrs:
        raise FormatError(f"{where}, attribute {name!r}", "is missing")
    if h5py.check_string_dtype(group.attrs.get_id(name).dtype):  # which is not read
        raise FormatError(f"{where}, attribute {name!r}", "must be a number")
    value = np.asarray(group.attrs[name])
    if value.size != 1 or value.dtype.kind not in "iuf" or not 0 < float(value.reshape(())) < 1e18:
        raise FormatError(f"{where}, attribute {name!r}", "must be a number above 0")
    return float(value.reshape(()))
