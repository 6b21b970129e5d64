"""Running a step model in onnxruntime, step by step."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import FormatError, MissingExtraError
from bidl_sim.netx.onnx.model import NEXT, initial, step_model
from bidl_sim.netx.onnx.writer import Writer
from bidl_sim.netx.step.session import StepSession
from bidl_sim.typing import Array


class Session(StepSession):
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
        double = any(p.needs_double for p in network.build().processes.values())
        self.dtype = dtype or ("float64" if double else "float32")
        super().__init__(network, self.dtype, record)
        model = step_model(self.graph, self.dtype)
        self._session = _session(model.SerializeToString())
        self._states = [state.flag for state in self.graph.states]
        self._results = [*self.graph.outputs, *(flag + NEXT for flag in self._states)]
        self._initial = initial(self.graph, Writer(self.dtype))
        self.reset()

    def sends(self, path: str) -> bool:
        return not self.is_state(path)  # they are outputs of the model anyway

    def begin(self, batch: int) -> None:
        self.state = {flag: x.repeat(batch, 0) for flag, x in self._initial.items()}

    def advance(self, frames: dict[str, Array], steps: int) -> dict[str, Array]:
        kept = {name: f"{name}{NEXT * self.is_state(name)}" for name in self.recorded}
        kept |= {name: name for name in self.graph.outputs}
        every: dict[str, list[Array]] = {name: [] for name in kept}
        for k in range(steps):
            given = {path: x[k] for path, x in frames.items()}
            values = self._session.run(self._results, {**given, **self.state})
            found = dict(zip(self._results, values, strict=True))
            self.state = {flag: found[flag + NEXT] for flag in self._states}
            for name, source in kept.items():
                every[name].append(found[source])
        return {name: np.stack(values) for name, values in every.items()}


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
