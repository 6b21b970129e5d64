"""A network cut into the layers that a .net file can hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.flatten import Edge
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError
from bidl_sim.processes import (
    Activation,
    Conv2d,
    ConvTranspose2d,
    Delay,
    Dense,
    Dropout,
    Flatten,
    GroupMean,
    Input,
    LastStep,
    LateralInhibition,
    LeakyIntegrator,
    MeanOnlyBatchNorm,
    Scale,
    Sigma,
    Sink,
    SumPool2d,
    Unpool2d,
)
from bidl_sim.typing import Shape

SYNAPSES = (Dense, Conv2d, ConvTranspose2d, SumPool2d, Unpool2d, LateralInhibition)
WITHIN = (MeanOnlyBatchNorm, Scale, LeakyIntegrator, Sigma, Activation, Delay)
"""What may stand between a layer's synapse and its neurons."""
PARTS = {"a_real_in": "/real", "a_imag_in": "/imag"}


@dataclass
class Stage:
    """One layer of a network.

    Attributes
    ----------
    path
        Its last process but delays.
    end
        That process: the neurons, or what stands in their place.
    shape
        Of what it sends.
    branches
        Synapse and what follows it up to the neurons, by part: "", or "/real" and "/imag".
    recurrent
        The synapses between its neurons, by part.
    behind
        Delays of what it sends.
    lag
        Steps that its synapses take; a file does not say it.
    """

    path: str
    end: Process
    shape: Shape
    branches: dict[str, list[Process]] = field(default_factory=dict)
    recurrent: dict[str, Process] = field(default_factory=dict)
    behind: list[Process] = field(default_factory=list)
    lag: set[int] = field(default_factory=set)


def stages(network: Network) -> list[Stage]:
    """The layers of a network, in order; `FormatError` names what makes it no sequence of them."""
    circuit = network.build()
    if len(circuit.inputs) != 1 or len(circuit.outputs) != 1:
        raise FormatError(
            network.label,
            f"has {len(circuit.inputs)} inputs and {len(circuit.outputs)} outputs",
            "a .net file holds one row of layers",
        )
    walk = _Walk(circuit)
    end = next(iter(circuit.outputs.values())).rpartition(".")[0]
    while isinstance(
        circuit.processes[end], (LastStep, Sink)
    ):  # what is read when, a file does not say
        end = walk.source(end)
    path: str | None = end
    while path is not None:
        path = walk.before(path)
    walk.check_complete()
    return walk.found[::-1]


class _Walk:
    """A circuit, walked from its output to its input."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.found: list[Stage] = []
        self.seen: set[str] = set()
        self.arriving: dict[str, list[Edge]] = {}
        for edge in circuit.edges:
            self.arriving.setdefault(edge.target, []).append(edge)

    def before(self, path: str) -> str | None:
        """Take in the layer that ends at this path; returns where the one before it ends."""
        behind: list[Process] = []
        while isinstance(self.process(path), (Delay, Dropout)):
            if isinstance(self.process(path), Delay):
                behind.insert(0, self.process(path))
            path = self.source(path)
        process = self.process(path)
        if isinstance(process, Input) and not behind:
            return None
        stage = Stage(path, process, self.shape(path), behind=behind)
        self.found.append(stage)
        if isinstance(process, Input):
            return None
        if isinstance(process, (Flatten, GroupMean)):
            return self.source(path)
        if isinstance(process, (*SYNAPSES, Scale)):
            stage.branches[""] = [process]
            return self.source(path)
        ends = set()
        for edge in self.arriving.get(path, []):
            part = PARTS.get(edge.target_port, "")
            for branch, start, lag in self.branches(edge):
                if start == path:
                    if lag != 1 or not isinstance(branch[0], SYNAPSES):
                        raise FormatError(process.where, "its feedback is no synapse of delay 1")
                    stage.recurrent[part] = branch[0]
                elif part in stage.branches:
                    raise FormatError(process.where, f"{edge.target_port} takes from two synapses")
                else:
                    stage.branches[part] = branch
                    stage.lag.add(lag)
                    ends.add(start)
        if len(ends) != 1:
            raise FormatError(
                process.where,
                f"takes from {len(ends)} layers",
                "in a .net file each takes from the one before",
            )
        return ends.pop()

    def branches(self, edge: Edge) -> list[tuple[list[Process], str, int]]:
        """What is between a layer's neurons and what feeds them: processes, its path, the delay."""
        process: Process = self.process(edge.source)
        if not isinstance(process, (*SYNAPSES, *WITHIN)):
            return [([], edge.source, edge.delay)]
        found: list[tuple[list[Process], str, int]] = []
        for before in self.arriving.get(edge.source, []):
            if isinstance(process, SYNAPSES):
                found.append(([process], before.source, before.delay + edge.delay))
                continue
            for branch, start, lag in self.branches(before):
                found.append(([*branch, process], start, lag + edge.delay))
        return found

    def source(self, path: str) -> str:
        """The path of what feeds a process with one input."""
        self.seen.add(path)
        feeding = self.arriving.get(path, [])
        if len(feeding) != 1:
            where = self.process(path).where
            raise FormatError(where, f"takes from {len(feeding)} processes, wanted 1")
        return feeding[0].source

    def process(self, path: str) -> Process:
        self.seen.add(path)
        return self.circuit.processes[path]

    def shape(self, path: str) -> Shape:
        process = self.circuit.processes[path]
        return self.circuit.signals[f"{path}.{next(iter(process.out_specs))}"].shape

    def check_complete(self) -> None:
        for path, process in self.circuit.processes.items():
            if path not in self.seen:
                raise FormatError(process.where, "is not in the row of layers to the output")
