"""What travels on every port: shapes, dtypes and whether the time axis is still there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bidl_sim.core.flatten import Edge
from bidl_sim.core.port import Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import GraphError, ShapeError


def infer_signals(processes: Mapping[str, Process], edges: Sequence[Edge]) -> dict[str, Signal]:
    """Signals by port path (``lif1.s_out``), found by following the edges from the sources on.

    A process answers as soon as it knows enough; in a loop one of its inputs is enough, and the
    others are compared when their turn comes.
    """
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        into[edge.target].append(edge)
    _check_connected(processes, into)

    signals: dict[str, Signal] = {}
    waiting = dict(processes)
    while waiting:
        answered = []
        for path, process in waiting.items():
            known = _known_inputs(process, path, into[path], signals)
            outputs = process.infer(known)
            if outputs is not None:
                answered.append(path)
                signals.update({f"{path}.{port}": s for port, s in outputs.items()})
        if not answered:
            stuck = next(iter(waiting.values()))
            raise GraphError(
                stuck.where,
                "its shape cannot be inferred",
                "give its shape=, or begin the network with Input(shape)",
            )
        for path in answered:
            del waiting[path]

    for path, process in processes.items():
        _settle_inputs(process, path, into[path], signals)
    return signals


def _check_connected(processes: Mapping[str, Process], into: Mapping[str, list[Edge]]) -> None:
    for path, process in processes.items():
        connected = {edge.target_port for edge in into.get(path, ())}
        for port in process.in_ports:
            if port not in connected and process.requires_input(port):
                raise GraphError(
                    f"{path}.{port}",
                    f"nothing is connected to this input of {process.where}",
                    "connect a source to it, or begin the network with Input(shape)",
                )


def _known_inputs(
    process: Process, path: str, edges: Sequence[Edge], signals: Mapping[str, Signal]
) -> dict[str, Signal]:
    """One signal for each InPort of which some source is known."""
    known: dict[str, Signal] = {}
    for port in process.in_ports:
        arriving = [
            signals[f"{e.source}.{e.source_port}"]
            for e in edges
            if e.target_port == port and f"{e.source}.{e.source_port}" in signals
        ]
        if arriving:
            timed = any(s.timed for s in arriving)
            known[port] = Signal(arriving[0].shape, arriving[0].dtype, timed)
    return known


def _settle_inputs(
    process: Process, path: str, edges: Sequence[Edge], signals: dict[str, Signal]
) -> None:
    """Check every arriving signal against its port and record the port's own signal."""
    for name, port in process.in_ports.items():
        arriving = [e for e in edges if e.target_port == name]
        for edge in arriving:
            source = f"{edge.source}.{edge.source_port}"
            first = f"{arriving[0].source}.{arriving[0].source_port}"
            if signals[source].shape != signals[first].shape:
                raise ShapeError(
                    f"{path}.{name}",
                    f"{source} of shape {signals[source].shape} is summed with {first} "
                    f"of shape {signals[first].shape}",
                    "shapes summed into one input must be equal",
                )
            if signals[source].dtype != port.dtype:
                raise ShapeError(
                    f"{path}.{name}",
                    f"takes {port.dtype} values, but {source} sends {signals[source].dtype}",
                )
        known = _known_inputs(process, path, arriving, signals).get(name)
        if known is None:  # unconnected and allowed to be: zeros of the output's shape
            known = signals[f"{path}.{next(iter(process.out_specs))}"]
        signals[f"{path}.{name}"] = known
    outputs = process.infer({name: signals[f"{path}.{name}"] for name in process.in_ports})
    for out, signal in (outputs or {}).items():
        if signal.shape != signals[f"{path}.{out}"].shape:
            raise ShapeError(
                f"{path}.{out}",
                f"has shape {signals[f'{path}.{out}'].shape} in the loop it is part of, "
                f"but its inputs give {signal.shape}",
            )
