"""Running a step model in onnxruntime, step by step."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError, MissingExtraError, ParameterError, StateError
from bidl_sim.netx.onnx.model import NEXT, initial, step_model
from bidl_sim.netx.onnx.writer import Writer
from bidl_sim.netx.step import step_graph
from bidl_sim.typing import Array


class Session:
    """A network in onnxruntime. The loop over time and the states are outside of the model.

    Parameters
    ----------
    net
    dtype : "float32", "float64" or "float16"
        Default float32, or float64 where a process computes with integers.
    record
        Paths of states and ports whose values in every step are kept in ``recorded``.

    Attributes
    ----------
    state : by flag, ``(batch, *shape)``
    t : index of the next step

    Raises `FormatError` for what onnxruntime cannot compute, as what the step graph cannot say.
    """

    def __init__(
        self, net: Process, dtype: str | None = None, record: Collection[str] = ()
    ) -> None:
        network = net if isinstance(net, Network) else Network.of(net)
        self.circuit = network.build()
        double = any(p.needs_double for p in self.circuit.processes.values())
        self.dtype = dtype or ("float64" if double else "float32")
        self.graph = step_graph(network, [path for path in record if not self._is_state(path)])
        self.recorded: dict[str, list[Array]] = {path: [] for path in record}
        model = step_model(self.graph, self.dtype)
        self._session = _session(model.SerializeToString())
        self._states = [state.flag for state in self.graph.states]
        self._results = [*self.graph.outputs, *(flag + NEXT for flag in self._states)]
        self._initial = initial(self.graph, Writer(self.dtype))
        self.reset()

    def reset(self) -> None:
        """Go back to the declared state; nothing is recorded."""
        self.state = dict(self._initial)
        self._batch, self._batched, self.t = 1, False, 0
        for values in self.recorded.values():
            values.clear()

    def step(self, inputs: Any = None) -> Any:
        """One timestep: ``(*shape)`` or ``(batch, *shape)`` in, the outputs of this step back."""
        arranged = self._arrange(inputs, time=False)
        found = self._advance({path: x[0] for path, x in arranged.sequences.items()})
        return self._given_back(found, arranged.is_torch)

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
        every = [
            self._advance({path: x[k] for path, x in arranged.sequences.items()})
            for k in range(total)
        ]
        found = {
            name: np.stack([outputs[name] for outputs in every], 1)
            if self.graph.timed[name]
            else every[-1][name]
            for name in self.circuit.outputs
        }
        return self._given_back(found, arranged.is_torch)

    def _is_state(self, path: str) -> bool:
        process, member = self.circuit.locate(path)
        return member in self.circuit.processes[process].state_specs

    def _arrange(self, inputs: Any, time: bool) -> Any:
        import torch

        from bidl_sim.engines.torch.inputs import arrange

        dtype = getattr(torch, self.dtype)
        arranged = arrange(self.circuit, inputs, torch.device("cpu"), dtype, time)
        if arranged.sequences:
            self._settle(arranged.batch, arranged.batched)
            for path, x in arranged.sequences.items():
                arranged.sequences[path] = x.numpy()  # type: ignore[assignment]  # for onnxruntime
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
        self.state = {flag: x.repeat(batch, 0) for flag, x in self._initial.items()}

    def _advance(self, frames: dict[str, Array]) -> dict[str, Array]:
        """One timestep of what is ``(batch, *shape)``; also records."""
        values = self._session.run(self._results, {**frames, **self.state})
        found = dict(zip(self._results, values, strict=True))
        self.state = {flag: found[flag + NEXT] for flag in self._states}
        self.t += 1
        for path, kept in self.recorded.items():
            kept.append(found[path + NEXT * self._is_state(path)])
        return {name: found[name] for name in self.graph.outputs}

    def _given_back(self, found: dict[str, Array], is_torch: bool) -> Any:
        """Outputs in the form the inputs had."""
        import torch

        back: dict[str, Any] = {}
        for name in self.circuit.outputs:
            values = found[name] if self._batched else found[name][0]
            back[name] = torch.from_numpy(values) if is_torch else values
        return next(iter(back.values())) if len(back) == 1 else back or None


def import_onnxruntime() -> Any:
    """The package, or an error that says which extra brings it."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("running ONNX", "onnxruntime", "onnx") from None
    return onnxruntime


def _session(model: bytes) -> Any:
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors, which are raised
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        reason = str(error).strip().splitlines()[0]
        raise FormatError("onnxruntime", f"cannot run the model: {reason}") from error
