"""Running a step graph elsewhere: the loop over time and the batch, whatever computes a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError, StateError
from bidl_sim.netx.step.lower import step_graph
from bidl_sim.typing import Array


class StepSession(ABC):
    """A network as something that has a state and is told its inputs.

    A runtime says how it `begin`s and `advance`s.

    Parameters
    ----------
    net
    given : "float16", "float32" or "float64"
        The format in which real numbers are handed to the runtime.
    record
        Paths of states and ports whose values in every step are kept in ``recorded``.

    Attributes
    ----------
    circuit, graph
    recorded : by path, ``(batch, *shape)`` for each step
    t : index of the next step
    """

    def __init__(self, net: Process, given: str, record: Collection[str] = ()) -> None:
        network = net if isinstance(net, Network) else Network.of(net)
        self.circuit = network.build()
        self.graph = step_graph(network, [path for path in record if self.sends(path)])
        self.recorded: dict[str, list[Array]] = {path: [] for path in record}
        self.given = given
        self._batch, self._batched, self.t = 1, False, 0

    @abstractmethod
    def begin(self, batch: int) -> None:
        """Take the declared state, for so many samples; also what `reset` does."""

    @abstractmethod
    def advance(self, frames: dict[str, Array], steps: int) -> dict[str, Array]:
        """Do timesteps from the present state on.

        Takes ``(time, batch, *shape)`` by input; gives what is named in ``graph.outputs`` or is to
        be recorded.
        """

    def reset(self) -> None:
        """Go back to the declared state; nothing is recorded."""
        self.t = 0
        for values in self.recorded.values():
            values.clear()
        self.begin(self._batch)

    def step(self, inputs: Any = None) -> Any:
        """One timestep: ``(*shape)`` or ``(batch, *shape)`` in, the outputs of this step back."""
        arranged = self._arrange(inputs, time=False)
        found = self._advanced(arranged, 1)
        return self._given_back({n: x[0] for n, x in found.items()}, arranged.is_torch)

    def run(self, inputs: Any = None, steps: int | None = None, progress: bool = False) -> Any:
        """A sequence from the present state on: ``(time, *shape)`` or ``(batch, time, *shape)``.

        Without inputs, ``steps`` says how long. The output is in the kind of the inputs, without
        time after a temporal aggregation.
        """
        arranged = self._arrange(inputs, time=True)
        total = arranged.steps if steps is None else steps
        if total is None:
            raise ParameterError("run, steps", "must be given: the network has no inputs")
        if arranged.steps not in (None, total):
            raise ParameterError("run, steps", f"is {total}, the inputs have {arranged.steps}")
        found = self._advanced(arranged, total)
        timed = self.graph.timed
        return self._given_back(
            {n: np.moveaxis(found[n], 0, 1) if timed[n] else found[n][-1] for n in timed},
            arranged.is_torch,
        )

    def sends(self, path: str) -> bool:
        """Whether what is recorded is an output of the graph."""
        return True

    def is_state(self, path: str) -> bool:
        """Whether a path leads to a state, not to a port."""
        process, member = self.circuit.locate(path)
        return member in self.circuit.processes[process].state_specs

    def _arrange(self, inputs: Any, time: bool) -> Any:
        import torch

        from bidl_sim.engines.torch.inputs import arrange

        dtype = getattr(torch, self.given)
        arranged = arrange(self.circuit, inputs, torch.device("cpu"), dtype, time)
        if arranged.sequences:
            self._settle(arranged.batch, arranged.batched)
        return arranged

    def _settle(self, batch: int, batched: bool) -> None:
        """Take the batch of a first input; later ones must keep it."""
        if (batch, batched) == (self._batch, self._batched):
            return
        if self.t:
            raise StateError(
                "run",
                f"the state belongs to {self._batch} sample(s), the input is {batch}",
                "call reset() before another batch",
            )
        self._batch, self._batched = batch, batched
        self.begin(batch)

    def _advanced(self, arranged: Any, steps: int) -> dict[str, Array]:
        """Timesteps of what is ``(time, batch, *shape)``; also records."""
        frames = {path: x.numpy() for path, x in arranged.sequences.items()}
        found = self.advance(frames, steps)
        self.t += steps
        for path, kept in self.recorded.items():
            kept.extend(found[path])
        return found

    def _given_back(self, found: dict[str, Array], is_torch: bool) -> Any:
        """Outputs in the form the inputs had."""
        import torch

        back: dict[str, Any] = {}
        for name in self.circuit.outputs:
            values = found[name] if self._batched else found[name][0]
            back[name] = torch.from_numpy(values) if is_torch else values
        return next(iter(back.values())) if len(back) == 1 else back or None
