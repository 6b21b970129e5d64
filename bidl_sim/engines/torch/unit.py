"""One process, lowered: its step bound to the tensors of a run."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bidl_sim.core.circuit import Circuit
from bidl_sim.core.neuron import Population
from bidl_sim.core.seed import splitmix, uniforms
from bidl_sim.engines.torch.fire import spike_function
from bidl_sim.engines.torch.fused import COMPILED, WORTH_IT, FusedStep
from bidl_sim.engines.torch.kernels import fused_step
from bidl_sim.errors import ShapeError


@dataclass(frozen=True)
class Mode:
    """How a run is done, the same for all its processes.

    ``training`` moves running statistics and switches dropout on; ``spikes="smooth"`` replaces
    the spike by the surrogate's integral, so that a gradient can be checked. ``kernels`` says
    whether populations run on compiled kernels: "fused" wherever they can, "eager" never, "auto"
    where the run is long enough to be worth compiling for.
    """

    batch: int
    device: torch.device
    dtype: torch.dtype
    seed: int = 0
    training: bool = False
    spikes: str = "hard"
    kernels: str = "auto"


class Unit:
    """A process with everything that stays the same during a run.

    ``parameters`` are this process's own, by name and in the shape its step sees. ``references``
    gives the path each RefPort refers to, ``carried`` the path of each argument that is part of
    the run's state.
    """

    def __init__(
        self,
        circuit: Circuit,
        path: str,
        parameters: Mapping[str, Tensor],
        references: Mapping[str, str],
        carried: Mapping[str, str],
        mode: Mode,
    ) -> None:
        self.path = path
        self.process = process = circuit.processes[path]
        self.parameters, self.references, self.carried = parameters, references, carried
        self.mode = mode
        self.is_population = isinstance(process, Population)
        self.shapes = {port: circuit.signals[f"{path}.{port}"].shape for port in process.out_specs}
        self.states = process.states(mode.training)
        self.writes = tuple(n for n, spec in process.ref_specs.items() if spec.write)
        self.returned = (*process.out_specs, *process.state_specs, *self.writes)
        self.constants = self._constants()
        self.draws = process.draws(mode.training)
        if self.draws:
            self.random = splitmix(mode.seed, path)

    def fused(self, steps: int, wanted: Collection[str]) -> FusedStep | None:
        """The kernels that do so many steps at once; None where the steps are done one by one.

        ``wanted`` are the paths whose values of all steps are looked at.
        """
        mode = self.mode
        if not self.is_population or mode.kernels == "eager":
            return None
        if mode.spikes != "hard" or mode.dtype not in COMPILED:
            return None
        neurons = mode.batch * math.prod(next(iter(self.shapes.values())))
        if mode.kernels == "auto" and steps * neurons < WORTH_IT:
            return None
        kept = tuple(n for n in self.states if f"{self.path}.{n}" in wanted)
        return fused_step(self.process, mode.training, kept, mode.device.type)

    def _constants(self) -> dict[str, Any]:
        process, mode = self.process, self.mode
        values: dict[str, Any] = dict.fromkeys((*process.param_specs, *process.state_specs))
        values.update(self.parameters, batch=mode.batch, training=mode.training, uniform=None)
        for name in process.step_arguments:
            if name == "fire":
                values[name] = spike_function(process.surrogate, process.width, mode.spikes)  # type: ignore[attr-defined]  # only neurons fire
            elif hasattr(process, f"bind_{name}"):
                values[name] = getattr(process, f"bind_{name}")(self.parameters, mode.training)
        return {name: values[name] for name in process.step_arguments if name in values}

    def step(
        self, arriving: Mapping[str, Tensor], t: int
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
        """One timestep: outputs by port, new states by name, and what RefPorts write.

        ``arriving`` holds the inputs, the states and what RefPorts read, each ``(batch, ...)``.
        """
        found = self._called("step", arriving, t)
        return (
            {port: self._batched(port, found[port]) for port in self.shapes},
            {name: found[name] for name in self.states},
            {name: found[name] for name in self.writes},
        )

    def does_sequences(self, wanted: Collection[str]) -> bool:
        """Whether the process itself does many timesteps at once, and no state is looked at."""
        looked_at = any(f"{self.path}.{name}" in wanted for name in self.states)
        return self.process.sequence is not None and not looked_at

    def sequence(
        self, arriving: Mapping[str, Tensor], t: int
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """As `step` from step t on, inputs and outputs ``(time, batch, ...)``."""
        found = self._called("sequence", arriving, t)
        for port, shape in self.shapes.items():
            if found[port].shape[1:] != (self.mode.batch, *shape):
                raise ShapeError(
                    f"{self.process.where}, {port}",
                    f"sequence returned shape {tuple(found[port].shape)}, "
                    f"wanted (time, batch, *{shape})",
                )
        return {port: found[port] for port in self.shapes}, {n: found[n] for n in self.states}

    def _called(self, method: str, arriving: Mapping[str, Tensor], t: int) -> dict[str, Any]:
        """What the process's ``step`` or ``sequence`` returns, by name."""
        arguments = {**self.constants, **arriving, "t": t}
        if self.draws:
            arguments["uniform"] = self._uniform(t)
        function = getattr(self.process, method)
        result = function(**{n: arguments[n] for n in self.process.step_arguments})
        if not self.returned:
            return {}
        values = result if isinstance(result, tuple) else (result,)
        if len(values) != len(self.returned):
            raise ShapeError(
                f"{self.process.where}, {method}",
                f"must return {len(self.returned)} values ({', '.join(self.returned)}), "
                f"returned {len(values)}",
            )
        return dict(zip(self.returned, values, strict=True))

    def _batched(self, port: str, value: Tensor) -> Tensor:
        """An output with its batch axis, which sources may leave out."""
        shape = self.shapes[port]
        if self.process.out_specs[port].dtype == "float" and (
            self.is_population or not value.is_floating_point()
        ):
            value = value.to(self.mode.dtype)  # of integers or plain numbers it may be another
        if value.shape == shape:
            return value.expand(self.mode.batch, *shape)
        if value.shape[1:] != shape:
            raise ShapeError(
                f"{self.process.where}, {port}",
                f"step returned shape {tuple(value.shape)}, wanted (batch, *{shape})",
            )
        return value

    def _uniform(self, t: int) -> Tensor:
        shape = (self.mode.batch, *next(iter(self.shapes.values())))
        numbers = uniforms(*self.random, t, math.prod(shape))
        return torch.from_numpy(numbers).view(shape).to(self.mode.device, self.mode.dtype)
