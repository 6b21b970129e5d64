"""The proof that every way to run a model gives the same spikes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.core.neuron import Neuron
from bidl_sim.core.schedule import schedule
from bidl_sim.errors import FormatError, MissingExtraError, StateError
from bidl_sim.netx import native
from bidl_sim.netx.compare import Difference, compare
from bidl_sim.netx.formats import load
from bidl_sim.netx.runs import (
    AnyRun,
    CapturedRun,
    CppRun,
    EmulatedRun,
    OnnxRun,
    Samples,
    SimulatedRun,
    UnrolledRun,
    samples_of,
)
from bidl_sim.table import table

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
"""Largest difference of analog values where all spikes are equal: sums may round otherwise."""

ROUNDING = 128
"""A potential is within rounding of the threshold if nearer than so many units in the last place
of the largest current or potential of its population in this sample."""

VALUES_AT_ONCE = 20_000_000
"""Samples are compared in groups of at most so many signal values."""

NEAR = {"spikes": 0.02, "outputs": 0.05}
"""The contract emulator in fp16 is near where no larger share of spikes differs, and no output by
more of the largest. Farther is shown and is no failure."""


@dataclass(frozen=True)
class Row:
    """How one runtime compares with the process-major simulation of the same dtype.

    One that rounds to float16 is compared with that in float32.
    """

    runtime: str
    dtype: str
    steps_per_second: float
    difference: Difference

    @property
    def ok(self) -> bool:
        """No spike differs in float64; in float32 only by rounding; outputs and classes agree.

        In float16 few spikes differ, and outputs by little.
        """
        d = self.difference
        if self.dtype == "float16":
            return d.differing <= NEAR["spikes"] * d.spikes and d.worst <= NEAR["outputs"]
        same = d.explained if self.dtype == "float32" else not d.differing
        return same and d.worst <= TOLERANCE[self.dtype] and not d.classes

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.dtype == "float16":
            return "near" if self.ok else "far"
        return "same" if self.ok else "DIFFERENT"


@dataclass(frozen=True)
class Report:
    """What `verify` found; ``str`` prints it as a table. ``left_out`` says what cannot run it."""

    path: str
    samples: int
    steps: int
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every runtime agrees that does not round to float16."""
        return all(row.ok for row in self.rows if row.dtype != "float16")

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        rows = [{**asdict(row), "ok": row.ok} for row in self.rows]
        return {**asdict(self), "rows": rows, "ok": self.ok}

    def __str__(self) -> str:
        heads = ["runtime", "dtype", "verdict", "spikes", "differ", "rounding", "following"]
        rows = [[*heads, "outputs", "classes", "steps/s"]]
        notes = []
        for row in self.rows:
            d = row.difference
            counts = (d.spikes, d.differing, d.rounding, d.following)
            rows.append(
                [
                    row.runtime,
                    row.dtype,
                    row.verdict,
                    *(f"{n:,}" for n in counts),
                    f"{d.worst:.0e}",
                    f"{d.classes:,}",
                    f"{row.steps_per_second:,.0f}",
                ]
            )
            if d.first:
                notes.append(f"{row.runtime}, {row.dtype}: first difference at {d.first}")
        head = (
            f"{self.path}: {self.samples} samples of {self.steps} steps, "
            "compared with process-major simulation"
        )
        return "\n".join([head, "", table(rows, left=3), *notes, *self.left_out])


def verify(path: str | Path, inputs: Any = None, cpp: bool = False, **options: Any) -> Report:
    """Run a model file in every way there is, in float64 and float32, and compare.

    Compared with the process-major simulation are the timestep-major one, the one on compiled
    kernels, the event engine, the unrolled torch module, the file saved and loaded again,
    onnxruntime where it is installed, the GPU where there is one, and the C++ program if asked for.
    Spikes must be identical in float64. In float32, where a sum may be rounded in another order, a
    spike may differ if its potential lies within rounding of the threshold; each is counted and
    shown.
    The contract emulator rounds every operation to float16: what then differs is counted, called
    near or far, and is no failure.

    Parameters
    ----------
    path
        The model file.
    inputs
        Samples ``(batch, time, *shape)`` or a mapping from input names; random events by default.
    cpp
        Whether the C++ program is compiled, which takes seconds, and run as well.
    options
        How the file is read, see `bidl_sim.netx.load`.
    """
    network = load(path, **options)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "again.net"
        native.save(network, copy)
        reloaded = native.load(copy)
    return verify_networks(str(path), network, {"reloaded file": reloaded}, inputs, cpp)


def verify_networks(
    name: str,
    network: Network,
    others: Mapping[str, Network],
    inputs: Any = None,
    cpp: bool = False,
) -> Report:
    """As `verify`, for a network in memory and others that should equal it."""
    circuit = network.build()
    samples, batch, steps = samples_of(circuit, inputs)
    rows: list[Row] = []
    reasons: dict[tuple[str, str], list[str]] = {}
    for dtype in TOLERANCE:
        runs = dict(_runtimes(network, others, dtype))
        for runtime, kind in _step_graphs(cpp).items():
            try:
                runs[runtime] = kind(network, dtype, _spikes(circuit))
            except (FormatError, MissingExtraError, StateError) as error:
                why = (runtime, f"{error.where} {error.problem}")
                reasons.setdefault(why, []).append(dtype)
        rows += _rows(dtype, SimulatedRun(network, dtype), runs, samples, batch, steps)
    left_out = [f"{x} in {' and '.join(d)}: left out, {why}" for (x, why), d in reasons.items()]
    try:
        emulated = {"lynxi-emulator": EmulatedRun(network, _spikes(circuit))}
        reference = SimulatedRun(network, "float32")
        rows += _rows("float16", reference, emulated, samples, batch, steps)
    except FormatError as error:
        left_out.append(f"lynxi-emulator: left out, {error.where} {error.problem}")
    if reason := _why_no_events(circuit):
        left_out.append(f"event engine: left out, {reason}")
    return Report(name, batch, steps, tuple(rows), tuple(left_out))


def _why_no_events(circuit: Circuit) -> str:
    """Why the event engine cannot run a network; empty if it can."""
    from bidl_sim.engines.event.roles import check_supported

    try:
        check_supported(circuit)
    except StateError as error:
        return f"{error.where} {error.problem}"
    return ""


def _runtimes(
    network: Network, others: Mapping[str, Network], dtype: str
) -> Iterator[tuple[str, AnyRun]]:
    import torch

    yield "timestep-major", SimulatedRun(network, dtype, schedule="timestep")
    yield "compiled kernels", SimulatedRun(network, dtype, kernels="fused")
    if not _why_no_events(network.build()):
        events: Any = {"schedule": "timestep", "kernels": "auto", "engine": "event"}
        yield "event engine", SimulatedRun(network, dtype, **events)
    if network.build().inputs:
        yield "unrolled torch module", UnrolledRun(network, dtype)
    for name, other in others.items():
        yield name, SimulatedRun(other, dtype)
    if torch.cuda.is_available():
        yield "gpu, simulator", SimulatedRun(network, dtype, device="cuda")


def _step_graphs(cpp: bool) -> dict[str, type[OnnxRun | CapturedRun | CppRun]]:
    """What runs a step graph on this machine, if the graph can say the network."""
    import torch

    found: dict[str, type[OnnxRun | CapturedRun | CppRun]] = {"onnxruntime": OnnxRun}
    if torch.cuda.is_available():
        found["gpu, step graph"] = CapturedRun
    if cpp:
        found["C++ program"] = CppRun
    return found


def _rows(
    dtype: str,
    reference: SimulatedRun,
    runs: Mapping[str, AnyRun],
    samples: Samples,
    batch: int,
    steps: int,
) -> list[Row]:
    """Compare all runs with the reference, group of samples by group."""
    circuit = reference.circuit
    spikes = _spikes(circuit)
    values = steps * sum(int(np.prod(s.shape)) for s in circuit.signals.values())
    group = max(1, VALUES_AT_ONCE // values)
    differences = {runtime: Difference() for runtime in runs}
    seconds = dict.fromkeys(runs, 0.0)
    for first in range(0, batch, group):
        part = {path: array[first : first + group] for path, array in samples.items()}
        wanted = reference(part, steps, spikes)
        judge = None if dtype == "float16" else reference.judge(part, steps, ROUNDING)
        for runtime, run in runs.items():
            trace = run(part, steps, spikes)
            seconds[runtime] += trace.seconds
            differences[runtime].add(compare(wanted, trace, judge))
    return [Row(n, dtype, batch * steps / seconds[n], d) for n, d in differences.items()]


def _spikes(circuit: Circuit) -> tuple[str, ...]:
    """The paths of all spikes, in order of execution."""
    order = (path for stage in schedule(circuit, "timestep") for path in stage.paths)
    neurons = ((path, circuit.processes[path]) for path in order)
    return tuple(f"{path}.{p.spikes}" for path, p in neurons if isinstance(p, Neuron))
