"""The simulator: what a person holds to run a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from bidl_sim.core.fields import as_int
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.core.schedule import SCHEDULES
from bidl_sim.errors import ParameterError, ShapeError, StateError
from bidl_sim.interrupt import held_back
from bidl_sim.probe import Probe, Stream, Train, open_stream
from bidl_sim.run_state import RunState, as_array
from bidl_sim.typing import Array

if TYPE_CHECKING:
    import h5py
    from torch import Tensor

    from bidl_sim.engines.torch.inputs import Arranged

ENGINES = ("torch", "event")
PIECE = 16_000_000
"""A run is done in pieces of at most so many signal values, which bounds its memory."""


class Simulator:
    """Runs a network from its declared state, for as long as asked.

    Parameters
    ----------
    net
        The network; a single process stands for everything it is connected to.
    engine : "auto", "torch" or "event"
        "torch" runs batches and every process, on any device; "event" runs one compiled loop that
        follows spikes, on the CPU, best for sparse connections. "auto" takes "event" for networks
        with `Sparse` synapses or a chip's integers that it can run, unless a schedule is given.
    schedule : "auto", "timestep" or "process"
        Order of execution (see `bidl_sim.core.schedule`); both give the same numbers. "auto" is
        process-major, or timestep-major where a `Callback` must see the steps in order. The event
        engine is timestep-major.
    device, dtype
        As torch takes them, default "cpu" and float32, or float64 where a process computes with
        integers (arithmetic="integer").
    seed
        Fixes the numbers of stochastic processes.
    kernels : "auto", "fused" or "eager"
        Whether populations of the torch engine run on compiled kernels, where no loop forbids it:
        "auto" does so where the run is long enough to be worth compiling for. The event engine
        compiles everything.

    Examples
    --------
    >>> from bidl_sim.processes import LIF, Input
    >>> sim = Simulator(Network.sequential(Input(1), LIF(alpha=0.5)))
    >>> v = sim.probe("lif1.v")
    >>> sim.run([[0.4], [0.4], [0.4]]).tolist()
    [[0.0], [1.0], [0.0]]
    """

    def __init__(
        self,
        net: Process,
        engine: str = "auto",
        schedule: str = "auto",
        device: Any = None,
        dtype: Any = None,
        seed: int = 0,
        kernels: str = "auto",
    ) -> None:
        _one_of("engine", engine, ("auto", *ENGINES))
        _one_of("schedule", schedule, ("auto", *SCHEDULES))
        from bidl_sim.engines.torch import KERNELS
        from bidl_sim.engines.torch.place import place

        _one_of("kernels", kernels, KERNELS)
        network = net if isinstance(net, Network) else Network.of(net)
        self.circuit = network.build()
        self.seed = as_int("Simulator, seed", seed, 0)
        self.kernels = kernels
        if dtype is None and any(p.needs_double for p in self.circuit.processes.values()):
            dtype = "float64"
        self.device, self.dtype = place("Simulator", device, dtype)
        self.engine, self.schedule = engine, schedule
        self._engine = self._make_engine()
        self._parameters = self._engine.load(self.device, self.dtype)
        self._bound: Any = None
        self._closed = False
        self._probes: list[Probe] = []
        self._files: dict[Path, h5py.File] = {}
        self.reset()

    # -- running ---------------------------------------------------------------------------------

    def run(self, inputs: Any = None, steps: int | None = None, progress: bool = True) -> Any:
        """Run on from the present state.

        Parameters
        ----------
        inputs
            ``(time, *shape)`` or ``(batch, time, *shape)``, numpy or torch; a mapping from input
            names to arrays; None for a network without inputs.
        steps
            How many timesteps; may be left out where inputs tell.
        progress
            Whether to show a bar, on a terminal, if it takes longer than a second.

        Returns
        -------
        The output in the kind of the inputs: ``(time, ...)`` or ``(batch, time, ...)``, without
        time after a temporal aggregation; a mapping by name if there are several outputs.

        Notes
        -----
        Ctrl-C stops between timesteps: state, ``t`` and probes hold what was done. A run is done in
        pieces of at most 1000 steps; where the function of a `Callback` raises, they stay as they
        were before the piece.
        """
        arranged = self._arrange(inputs, time=True)
        total = arranged.steps if steps is None else as_int("run, steps", steps, 1)
        if total is None:
            raise ParameterError("run, steps", "must be given: the network has no inputs")
        if arranged.steps not in (None, total):
            raise ParameterError("run, steps", f"is {total}, the inputs have {arranged.steps}")
        if arranged.sequences:
            self._state.settle(arranged.batch, arranged.batched)
        pieces = self._run_in_pieces(arranged.sequences, total, progress)
        return self._given_back(pieces, arranged, time=True)

    def step(self, inputs: Any = None) -> Any:
        """Do one timestep: ``(*shape)`` or ``(batch, *shape)`` in, the outputs of this step back.

        After a temporal aggregation the aggregate so far is returned.
        """
        arranged = self._arrange(inputs, time=False)
        if arranged.sequences:
            self._state.settle(arranged.batch, arranged.batched)
        with held_back() as interrupt:
            outputs = self._advance(arranged.sequences, 1)
            interrupt()
        return self._given_back([outputs], arranged, time=False)

    def reset(self) -> None:
        """Go back to the declared state: step 0, nothing sent, probes empty."""
        tensors = self._engine.initial_state(self._mode(batch=1), self._parameters)
        self._state = RunState(tensors)
        for probe in self._probes:
            probe.recording.begin()

    @property
    def t(self) -> int:
        """Index of the next step, counted from the last reset."""
        return self._state.t

    def _run_in_pieces(
        self, sequences: Mapping[str, Tensor], total: int, progress: bool
    ) -> list[dict[str, Tensor]]:
        from tqdm import tqdm

        values = sum(math.prod(signal.shape) for signal in self.circuit.signals.values())
        piece = max(1, min(total, PIECE // (values * self._state.batch + 1), 1000))
        outputs = []
        bar = tqdm(total=total, unit="step", disable=None if progress else True, delay=1)
        with bar, held_back() as interrupt:
            for first in range(0, total, piece):
                steps = min(piece, total - first)
                part = {path: values[first : first + steps] for path, values in sequences.items()}
                outputs.append(self._advance(part, steps))
                bar.update(steps)
                interrupt()
        return outputs

    def _advance(self, sequences: Mapping[str, Tensor], steps: int) -> dict[str, Tensor]:
        """Run the engine, then take over its state and let the probes record."""
        import torch

        from bidl_sim.engines.torch.place import full_precision

        state = self._state
        with torch.no_grad(), full_precision(self.device):
            result = self._engine.run(
                self._lowered(state.batch),
                sequences,
                state.tensors,
                t=state.t,
                steps=steps,
                record={probe.path for probe in self._probes},
            )
        for probe in self._probes:
            found = result.recorded[probe.path]
            if isinstance(found, list):
                shape = self.circuit.signals[probe.path].shape
                probe.take_train(Train(found, state.t, steps, shape), state.batched)
            else:
                probe.take(as_array(found), state.t, state.batched)
        state.tensors = result.state
        state.t += steps
        outputs: dict[str, Tensor] = result.outputs
        return outputs

    # -- looking and changing --------------------------------------------------------------------

    def probe(self, path: str, every: int = 1, index: Any = None, to: Any = None) -> Probe:
        """Record a state or port from now on.

        Parameters
        ----------
        path
            ``lif1.v``, ``lif1.s_out``, ``conv1.s_in``; nested: ``block1.lif1.v``.
        every
            Record the steps 0, every, 2 every, ...
        index
            Which neurons, as numpy indexes the value: ``[0, 5]``, ``slice(10)``, ``(0, 3, 3)``.
        to
            An hdf5 file to stream into instead of keeping the values in memory. Several probes
            may share one file.
        """
        process, member = self.circuit.locate(path)
        if member in self.circuit.processes[process].param_specs:
            raise StateError(f"probe {path!r}", "is a parameter", "use read for it")
        if path in self.circuit.signals:
            shape = self.circuit.signals[path].shape
        else:
            shape = tuple(self._value(path).shape[1:])
        probe = Probe(path, shape, every, index)
        if to is not None:
            where = Path(to).resolve()
            if where not in self._files:
                self._files[where] = open_stream(where)
            if path in self._files[where]:
                raise StateError(f"probe {path!r}", f"is recorded to {str(to)!r} already")
            probe.recording = Stream(self._files[where], path, probe.shape)
        self._probes.append(probe)
        return probe

    def read(self, path: str) -> Array:
        """A state (``lif1.v``) or parameter (``dense1.weight``) as it is now."""
        value = self._value(path)
        if path in self._state.tensors and not self._state.batched:
            value = value[0]
        return as_array(value).copy()

    def write(self, path: str, value: Any) -> None:
        """Set a state or parameter; it holds for this simulator, the network stays as it is.

        A state takes its shape without batch (for all samples) or with it. States go back to
        their declared values at the next reset, parameters keep what was written.
        """
        import torch

        old = self._value(path)
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind not in "biuf" or not np.all(np.isfinite(array)):
            raise ParameterError(f"write {path!r}", "must be finite numbers")
        process, member = self.circuit.locate(path)
        spec = self.circuit.processes[process].param_specs.get(member)
        if spec is not None and (spec.whole or spec.structural):
            raise ParameterError(
                f"write {path!r}", "is part of the network's structure", "make a new network"
            )
        if spec is not None:
            spec.within.check(f"write {path!r}", array)
        new = torch.tensor(array, device=self.device, dtype=old.dtype)
        inner = old.shape[1:] if path in self._state.tensors else old.shape
        if new.shape not in (torch.Size(), inner, old.shape if spec is None else inner):
            raise ShapeError(
                f"write {path!r}", f"must have shape {tuple(inner)}, got {tuple(new.shape)}"
            )
        if path in self._state.tensors:
            self._state.tensors[path] = new.expand(old.shape).clone()
        if path in self._parameters:
            kept = self._parameters[path]
            self._parameters[path] = new.expand(inner).reshape(kept.shape).clone()
            self._bound = None

    def state_dict(self) -> dict[str, Array]:
        """Everything a run goes on from, as arrays: ``np.savez(file, **sim.state_dict())``."""
        return self._state.as_arrays()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state_dict` returned; nothing changes unless all of it fits."""
        self._state.load(state)

    # -- ending ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the files that probes stream into; a closed simulator does not run."""
        self._closed = True
        for file in self._files.values():
            file.close()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- inside ----------------------------------------------------------------------------------

    def _make_engine(self) -> Any:
        """The engine and schedule that were asked for, or those that suit the network."""
        from bidl_sim.engines.torch import TorchEngine

        if self.engine == "event" and self.schedule == "process":
            raise ParameterError(
                "Simulator, schedule",
                "must be timestep or auto, the event engine is timestep-major; got 'process'",
                "engine='torch'",
            )
        if self.engine == "event" and self.kernels == "eager":
            raise ParameterError(
                "Simulator, kernels",
                "must be auto or fused, the event engine compiles everything; got 'eager'",
                "engine='torch'",
            )
        processes = self.circuit.processes.values()
        free = self.schedule == "auto" and self.kernels != "eager"
        follows = free and any(p.follows_events or p.needs_double for p in processes)
        if self.engine == "event" or (self.engine == "auto" and follows):
            from bidl_sim.engines.event import EventEngine

            try:
                engine = EventEngine(self.circuit, self.device, self.dtype)
            except StateError:
                if self.engine == "event":
                    raise
            else:
                self.engine, self.schedule = "event", "timestep"
                return engine
        self.engine = "torch"
        if self.schedule == "auto":
            ordered = any(p.has_side_effects for p in processes)
            self.schedule = "timestep" if ordered else "process"
        return TorchEngine(self.circuit, self.schedule)

    def _mode(self, batch: int) -> Any:
        from bidl_sim.engines.torch import Mode

        return Mode(batch, self.device, self.dtype, self.seed, kernels=self.kernels)

    def _lowered(self, batch: int) -> Any:
        """The network bound to this simulator's parameters, until one of them is written."""
        if self._bound is None or self._bound.mode.batch != batch:
            self._bound = self._engine.lower(self._mode(batch), self._parameters)
        return self._bound

    def _arrange(self, inputs: Any, time: bool) -> Arranged:
        from bidl_sim.engines.torch.inputs import arrange

        if self._closed:
            raise StateError("Simulator", "is closed", "make a new one")
        return arrange(self.circuit, inputs, self.device, self.dtype, time)

    def _value(self, path: str) -> Tensor:
        """The tensor of a state or parameter."""
        process, member = self.circuit.locate(path)
        owner = self.circuit.processes[process]
        if member in owner.in_specs or member in owner.out_specs:
            raise StateError(f"path {path!r}", "is a port", "record it with probe")
        value: Tensor | None = self._state.tensors.get(path, self._parameters.get(path))
        if value is None:
            raise StateError(f"path {path!r}", "is kept in training only")
        return value

    def _given_back(self, pieces: list[dict[str, Tensor]], arranged: Arranged, time: bool) -> Any:
        """Outputs in the form the inputs had."""
        import torch

        back: dict[str, Any] = {}
        for name, port in self.circuit.outputs.items():
            if self.circuit.signals[port].timed:
                values = torch.cat([piece[name] for piece in pieces]).transpose(0, 1)
                values = values if time else values[:, 0]
            else:
                values = pieces[-1][name]
            values = values if self._state.batched else values[0]
            back[name] = values if arranged.is_torch else as_array(values)
        if len(back) == 1:
            return next(iter(back.values()))
        return back or None


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ParameterError(
            f"Simulator, {name}", f"must be one of {', '.join(known)}, got {value!r}"
        )
