"""A step graph in torch on a device; on a GPU captured once, and then replayed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.engines.torch.place import full_precision, place
from bidl_sim.netx.step.module import initial_states, step_module
from bidl_sim.netx.step.session import StepSession
from bidl_sim.typing import Array

WARM = 3
"""Steps before the capture, in which libraries choose their kernels."""


class CapturedSession(StepSession):
    """A network on a device, one timestep after another.

    On a GPU a timestep is a CUDA graph: its kernels, captured once for a batch, are launched
    together, so that a step of a small network costs a launch and not one for each operation.
    Frames go to the device and outputs come back once a call. On a CPU the same operations run one
    by one.

    Parameters
    ----------
    net
    device : default "cuda"
    dtype : "float32", "float64", "float16" or "bfloat16"
        Default float32, or float64 where a process computes with integers. Frames are handed over
        and outputs given back in float32 where numpy has no such format.
    record
        Paths of states and ports whose values in every step are kept in ``recorded``.

    Attributes
    ----------
    state : by flag, ``(batch, *shape)`` on the device

    Raises `FormatError` for what the step graph cannot say.
    """

    def __init__(
        self,
        net: Process,
        device: str = "cuda",
        dtype: str | None = None,
        record: Collection[str] = (),
    ) -> None:
        network = net if isinstance(net, Network) else Network.of(net)
        double = any(p.needs_double for p in network.build().processes.values())
        self.device, self.dtype = place(
            "Runtime", device, dtype or ("float64" if double else "float32")
        )
        given = str(self.dtype).removeprefix("torch.")
        super().__init__(network, "float32" if given == "bfloat16" else given, record)
        self._module = step_module(self.graph, self.dtype).to(self.device)
        self._inputs: dict[str, Tensor] = {}
        self._settled = 0
        self._step: Callable[[], tuple[Tensor, ...]] = self._plain
        self.reset()

    def begin(self, batch: int) -> None:
        values = initial_states(self.graph, batch, self.dtype, self.device)
        flags = [state.flag for state in self.graph.states]
        known = getattr(self, "state", None)
        if known is not None and all(
            len(x) == batch for x in [*known.values(), *self._inputs.values()]
        ):
            for flag, value in zip(flags, values, strict=True):
                known[flag].copy_(value)  # in place: a captured step reads here
            return
        self.state = dict(zip(flags, values, strict=True))
        self._inputs = {
            name: torch.zeros((batch, *x.shape), dtype=self._format(x.kind), device=self.device)
            for name, x in self.graph.inputs.items()
        }
        self._step = self._captured() if self.device.type == "cuda" else self._plain

    def advance(self, frames: dict[str, Array], steps: int) -> dict[str, Array]:
        every: dict[str, list[Tensor]] = {name: [] for name in self.graph.outputs}
        with torch.no_grad(), full_precision(self.device):
            given = {name: torch.from_numpy(x).to(self.device) for name, x in frames.items()}
            for k in range(steps):
                for name, x in given.items():
                    self._inputs[name].copy_(x[k])
                for name, sent in zip(every, self._step(), strict=True):
                    every[name].append(sent.clone())
            stacked = {name: torch.stack(values) for name, values in every.items()}
        return {name: self._numpy(x) for name, x in stacked.items()}

    def _plain(self) -> tuple[Tensor, ...]:
        """One timestep, operation by operation."""
        held = [*self._inputs.values(), *self.state.values()]
        own = {x.untyped_storage().data_ptr() for x in held}
        found = [  # what is passed on as it is must not change when the states do
            x.clone() if x.untyped_storage().data_ptr() in own else x for x in self._module(*held)
        ]
        sent = len(self.graph.outputs)
        for old, new in zip(self.state.values(), found[sent:], strict=True):
            old.copy_(new)
        return tuple(found[:sent])

    def _captured(self) -> Callable[[], tuple[Tensor, ...]]:
        """One timestep as a CUDA graph."""
        kept = [x.clone() for x in self.state.values()]
        beside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), full_precision(self.device):
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(WARM):
                    self._plain()
            torch.cuda.current_stream().wait_stream(beside)
            with torch.cuda.graph(graph):
                sent = self._plain()
        for x, initial in zip(self.state.values(), kept, strict=True):
            x.copy_(initial)

        def replay() -> tuple[Tensor, ...]:
            graph.replay()
            return sent

        return replay

    def _format(self, kind: str) -> torch.dtype:
        return {"float": self.dtype, "int": torch.int64, "bool": torch.bool}[kind]

    def _numpy(self, x: Tensor) -> Array:
        x = x.float() if x.dtype == torch.bfloat16 else x
        values: Array = np.asarray(x.cpu())
        return values
