"""Running samples from the declared state, in the ways that `verify` compares."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.network import Network
from bidl_sim.netx.compare import Trace, WithinRounding
from bidl_sim.netx.step.session import StepSession
from bidl_sim.simulator import Simulator
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from bidl_sim.netx.emulator.numbers import Numbers

Samples: TypeAlias = dict[str, Array]
"""Inputs by path, each ``(batch, time, *shape)``; empty for a network without inputs."""

DEFAULT_SAMPLES, DEFAULT_STEPS = 8, 20


class SimulatedRun:
    """Simulation, in a fresh simulator for each group of samples."""

    def __init__(
        self,
        network: Network,
        dtype: str,
        schedule: str = "process",
        device: str = "cpu",
        kernels: str = "eager",
        engine: str = "torch",
    ) -> None:
        self.circuit = network.build()
        options: dict[str, Any] = {
            "schedule": schedule,
            "device": device,
            "kernels": kernels,
            "engine": engine,
        }
        self._make: Callable[[], Simulator] = lambda: Simulator(network, dtype=dtype, **options)
        self._to_compile = engine == "event" or kernels == "fused"

    def __call__(self, samples: Samples, steps: int, record: tuple[str, ...]) -> Trace:
        simulator = self._make()
        probes = {path: simulator.probe(path) for path in record}
        if self._to_compile:  # which is not to count as speed
            first = {path: values[:, :1] for path, values in samples.items()}
            simulator.run(first or None, 1, progress=False)
            simulator.reset()
            self._to_compile = False
        began = time.perf_counter()
        outputs = simulator.run(samples or None, steps, progress=False)
        seconds = time.perf_counter() - began
        recorded = {path: probe.data for path, probe in probes.items()}
        named = _named(outputs, self.circuit.outputs)
        if not samples:  # a network without inputs runs a single sample
            recorded = {path: values[None] for path, values in recorded.items()}
            named = {name: values[None] for name, values in named.items()}
        return Trace(recorded, named, seconds)

    def judge(self, samples: Samples, steps: int, ulps: int) -> WithinRounding:
        """Tells of spikes of these samples whether their potential was within rounding."""

        def within(port: str, sample: int, step: int, which: Array) -> Array:
            path = port.rpartition(".")[0]
            process = self.circuit.processes[path]
            members = (*process.in_specs, *process.states(False))
            trace = self(samples, steps, tuple(f"{path}.{name}" for name in members)).recorded
            return self._margin(path, trace, sample, step, ulps)[which]

        return within

    def _margin(
        self, path: str, trace: dict[str, Array], sample: int, step: int, ulps: int
    ) -> Array:
        """Where a population's potential was within rounding of the threshold in one step."""
        import torch

        from bidl_sim.engines.torch.engine import TorchEngine
        from bidl_sim.engines.torch.margin import fire_argument
        from bidl_sim.engines.torch.unit import Mode

        process = self.circuit.processes[path]
        dtype = torch.from_numpy(next(iter(trace.values()))[:0]).dtype
        mode = Mode(1, torch.device("cpu"), dtype)
        parameters = TorchEngine(self.circuit).load(mode.device, mode.dtype)
        start = TorchEngine(self.circuit).initial_state(mode, parameters)
        arriving = {}
        for name in process.in_specs:
            arriving[name] = torch.from_numpy(trace[f"{path}.{name}"][sample, step][None])
        for name in process.states(False):
            before = trace[f"{path}.{name}"][sample, step - 1][None] if step else None
            at = f"{path}.{name}"
            arriving[name] = start[at] if before is None else torch.from_numpy(before)
        distance = fire_argument(self.circuit, path, parameters, arriving, mode, step)[0].numpy()
        largest = max(float(np.abs(values[sample]).max()) for values in trace.values())
        near: Array = distance <= ulps * torch.finfo(dtype).eps * max(largest, 1e-30)
        return near


class UnrolledRun:
    """The torch module in evaluation mode."""

    def __init__(self, network: Network, dtype: str) -> None:
        from bidl_sim.engines.torch.unroll import Unroll

        self.circuit = network.build()
        self._module = Unroll(network, dtype=dtype).eval()

    def __call__(self, samples: Samples, steps: int, record: tuple[str, ...]) -> Trace:
        import torch

        began = time.perf_counter()
        with torch.no_grad():
            outputs, recorded, _ = self._module.advance(samples, record=record)
        seconds = time.perf_counter() - began
        named = _named(outputs, self.circuit.outputs)
        return Trace(
            {path: value.numpy() for path, value in recorded.items()},
            {name: value.numpy() for name, value in named.items()},
            seconds,
        )


class SessionRun:
    """A step graph in a runtime of its own; see `OnnxRun` and `EmulatedRun`."""

    def __init__(self, session: StepSession) -> None:
        self._session = session

    def __call__(self, samples: Samples, steps: int, record: tuple[str, ...]) -> Trace:
        session = self._session
        session.reset()
        began = time.perf_counter()
        outputs = session.run(samples or None, steps)
        seconds = time.perf_counter() - began
        recorded = {path: np.stack(session.recorded[path], 1) for path in record}
        named = _named(outputs, session.circuit.outputs)
        if not samples:  # a network without inputs runs a single sample
            named = {name: values[None] for name, values in named.items()}
        return Trace(recorded, named, seconds)


class OnnxRun(SessionRun):
    """The step model in onnxruntime."""

    def __init__(self, network: Network, dtype: str, record: tuple[str, ...]) -> None:
        from bidl_sim.netx.onnx.session import Session

        super().__init__(Session(network, dtype, record))


class CapturedRun(SessionRun):
    """The step graph on a GPU, captured."""

    def __init__(self, network: Network, dtype: str, record: tuple[str, ...]) -> None:
        from bidl_sim.netx.captured import CapturedSession

        super().__init__(CapturedSession(network, dtype=dtype, record=record))


class CppRun:
    """The C++ program, compiled at once. Its seconds are those of its steps alone."""

    def __init__(self, network: Network, dtype: str, record: tuple[str, ...]) -> None:
        from bidl_sim.netx.cpp.program import Program

        self._program = Program(network, dtype, record=record)
        self._outputs = tuple(network.build().outputs)

    def __call__(self, samples: Samples, steps: int, record: tuple[str, ...]) -> Trace:
        sent = self._program.run(samples, steps)
        batch = len(next(iter(samples.values()))) if samples else 1
        seconds = 1e-6 * self._program.latency[0] * steps * batch
        recorded = {path: sent[path] for path in record}
        return Trace(recorded, {name: sent[name] for name in self._outputs}, seconds)


class EmulatedRun(SessionRun):
    """The contract emulator, by default in fp16."""

    def __init__(
        self, network: Network, record: tuple[str, ...], numbers: Numbers | None = None
    ) -> None:
        from bidl_sim.netx.emulator.session import EmulatedSession

        super().__init__(EmulatedSession(network, numbers, record=record))


def samples_of(circuit: Circuit, inputs: Any = None) -> tuple[Samples, int, int]:
    """Inputs by path, how many samples and how many steps; random events by default."""
    if not circuit.inputs:
        return {}, 1, DEFAULT_STEPS
    if inputs is None:
        rng = np.random.default_rng(0)
        shapes = {path: circuit.main_signal(path).shape for path in circuit.inputs}
        inputs = {
            path: rng.poisson(0.3, (DEFAULT_SAMPLES, DEFAULT_STEPS, *shape)).astype(np.float32)
            for path, shape in shapes.items()
        }
    import torch

    from bidl_sim.engines.torch.inputs import arrange

    arranged = arrange(circuit, inputs, torch.device("cpu"), torch.float64)
    samples = {p: v.transpose(0, 1).numpy() for p, v in arranged.sequences.items()}
    assert arranged.steps is not None
    return samples, arranged.batch, arranged.steps


AnyRun: TypeAlias = "SimulatedRun | UnrolledRun | SessionRun | CppRun"


def _named(outputs: Any, names: Any) -> dict[str, Any]:
    """Outputs by name, however many there are."""
    if not names:
        return {}
    return outputs if len(names) > 1 else {next(iter(names)): outputs}
