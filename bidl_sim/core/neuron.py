"""The bases of populations: an elementwise step, and for neurons a spike function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from functools import partial

from bidl_sim.core.fields import Choice, Dims, Int, Maybe, MaybeChoice, MaybeDims, MaybeInt, Real
from bidl_sim.core.param import check_below, check_spread, spread_view
from bidl_sim.core.port import In, Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.core.trace import kernels, triton
from bidl_sim.core.trace.step import trace
from bidl_sim.errors import ParameterError, ShapeError
from bidl_sim.typing import Shape

FORWARD: Mapping[str, Callable[..., str]] = {
    "numba-forward": kernels.forward_source,
    "triton-forward": partial(triton.forward_source, marked=True),
}
BACKWARD: Mapping[str, Callable[..., str]] = {
    "numba-backward": kernels.backward_source,
    "triton-backward": triton.backward_source,
}


SHARED: Mapping[str, Callable[[Shape], Shape]] = {
    "layer": lambda shape: (),
    "channel": lambda shape: shape[:1],
    "neuron": lambda shape: shape,
}
"""The shape of a learned parameter, given the population's."""


class Population(Process, abstract=True):
    """Independent units that all do the same elementwise step.

    A subclass declares ports, parameters and states and writes one ``step`` with arithmetic,
    comparisons and the functions of `bidl_sim.core.intrinsics`; every engine runs it.

    Parameters
    ----------
    shape
        Number and topology of the units: ``100`` or ``(channel, height, width)``. Taken from
        the input when left out; with it the population may also stand without input.
    n
        The same for a flat population: ``n=100`` is ``shape=(100,)``.
    sharing : "layer", "channel" or "neuron"
        How many values of each learned parameter there are: one number given for it is spread over
        so many when the network is built. Left out, there are as many as were given.

    Notes
    -----
    A parameter is one number for the population, one per channel (shape ``(channel,)``), or one
    per unit (the population's shape).

    Ports
    -----
    s_out : output of this step
    """

    shape: MaybeDims = Maybe(Dims())
    _: KW_ONLY
    n: MaybeInt = Maybe(Int())
    sharing: MaybeChoice = Maybe(Choice(("layer", "channel", "neuron")))

    s_out = Out()

    def __post_init__(self) -> None:
        if self.shape is not None and self.n is not None:
            raise ParameterError(f"{self.where}, n", "give shape or n, not both")
        super().__post_init__()

    @property
    def declared_shape(self) -> Shape | None:
        """The population's shape as given by ``shape`` or ``n``."""
        return (self.n,) if self.n is not None else self.shape

    def source(self, kind: str = "numba-forward") -> str:
        """The kernel that runs this step, as readable source.

        "numba-forward" or "numba-backward" for the CPU, "triton-forward" or "triton-backward" for
        a GPU. Raises `TraceError` if the step cannot be compiled, with the reason.
        """
        step = trace(self, training=True)
        shared = [n for n, value in self.parameters().items() if value.size == 1]
        learned = [n for n in self.learned if n in step.parameters]
        if kind in FORWARD:
            return FORWARD[kind](step, shared)
        if kind in BACKWARD:
            return BACKWARD[kind](step, shared, (), learned)
        known = ", ".join((*FORWARD, *BACKWARD))
        raise ParameterError(f"{self.where}, source", f"there is no {kind!r}; has: {known}")

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        shape = self.declared_shape or next((given.shape for given in inputs.values()), None)
        if shape is None:
            return None
        for port, given in inputs.items():
            if given.shape == shape:
                continue
            raise ShapeError(
                f"{self.where}, {port}",
                f"receives values of shape {given.shape}, the population has shape {shape}",
                "make them equal, or leave out shape= to take it from the input",
            )
        return {"s_out": Signal(shape)}

    def requires_input(self, port: str) -> bool:
        return self.declared_shape is None and len(self.in_specs) == 1

    def check_parameters(self, signal: Signal | None) -> None:
        shape = signal.shape if signal else self.declared_shape
        given, wanted = self.parameters(), self.parameter_shapes(signal)
        for name, value in given.items():
            where = f"{self.where}, {name}"
            if shape is not None:
                check_spread(where, value, shape)
            if value.shape not in ((), wanted.get(name, value.shape)):
                raise ShapeError(
                    where, f"must be one number or of shape {wanted[name]}, got {value.shape}"
                )
            limit = self.param_specs[name].below
            if limit is not None and limit in given:
                check_below(where, value, limit, given[limit], shape)

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        shape = signal.shape if signal else self.declared_shape
        if self.sharing is None or shape is None:
            return {}
        return dict.fromkeys(self.learned, SHARED[self.sharing](shape))

    def parameter_view(self, name: str, shape: Shape, signal: Signal) -> Shape:
        return spread_view(shape, signal.shape)


class Neuron(Population, abstract=True):
    """A population of independent neurons, all doing the same elementwise step.

    A subclass declares parameters and states and writes one ``step`` with arithmetic,
    comparisons, ``fire(x)`` (1 where x > 0, with the surrogate's gradient) and the functions of
    `bidl_sim.core.intrinsics`; every engine runs it.

    Parameters
    ----------
    shape, n, sharing
        See `Population`, also for what a parameter may be.
    surrogate
        Which gradient stands for the derivative of a spike: a name of `SURROGATES`.
    width
        Width of the surrogate around the threshold, in units of the potential.

    Ports
    -----
    a_in : synaptic input of this step
    s_out : output of this step
    """

    _: KW_ONLY
    surrogate: Choice = Choice(SURROGATES, "atan")
    width: Real = Real(1.0, positive=True)

    a_in = In()

    @property
    def spikes(self) -> str:
        """Which member holds the spikes: ``s_out``, or a state where the output is analog."""
        return "s_out"
