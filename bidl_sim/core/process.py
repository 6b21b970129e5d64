"""The process: a node of the network, described but not run.

A process type is a class with ports, options, parameters, states and one ``step``::

    class LIF(Neuron):
        alpha: Param = Param(0.3, within=UNIT)
        v = State(0.0)

        def step(self, a_in, v, alpha, fire):
            u = v + a_in
            s = fire(u - 0.5)
            return s, alpha * (1 - s) * u

``step`` is one timestep. Its arguments are found by name: InPorts, states, parameters, RefPorts,
and what the engine offers (`ENGINE_ARGUMENTS`); ``**states`` takes all states. It returns the
OutPorts, then the new states, then the RefPorts it writes, each in the order they are declared.
Options are read from ``self``.

Where many timesteps are quicker done together, an optional ``sequence`` does what ``step`` does,
for a stretch of time. It has the same arguments; its inputs and the OutPorts it returns are
``(time, batch, ...)``, its states those before and after, ``t`` the index of the first step.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from typing_extensions import dataclass_transform

from bidl_sim.core import registry
from bidl_sim.core.fields import Field, Maybe, MaybeName, Name
from bidl_sim.core.forms import Form
from bidl_sim.core.param import REAL, Domain, Param, as_float_array
from bidl_sim.core.port import In, InPort, Out, OutPort, Port, Ref, RefPort, Signal
from bidl_sim.errors import GraphError, ParameterError, ShapeError
from bidl_sim.typing import Array, Shape

Spec = TypeVar("Spec")

ENGINE_ARGUMENTS = frozenset({"t", "batch", "fire", "uniform", "training"})
"""What an engine offers a step by name: the step index since reset, the batch size, the spike
function of the neuron, uniform random numbers of this step (None unless the process `draws`), and
whether this is training.
Any other name ``x`` is a helper that the process makes once a run, by its method ``bind_x``; of a
parameter ``x`` such a method makes what the step sees of it."""


@dataclass(frozen=True)
class State:
    """Declares a quantity carried from step to step.

    ``reset`` is its value at the beginning of a run, or the name of a method that draws one from
    a zero tensor. ``like`` names the port whose shape it has (the first OutPort unless given).
    ``dtype`` is "float" or "int". A ``training_only`` state is None elsewhere.
    """

    reset: float | str = 0.0
    like: str | None = None
    dtype: str = "float"
    training_only: bool = False


class Learn(Field["bool | str | Iterable[str]", "tuple[str, ...]"]):
    """Which parameters training changes: True, False, one name or several."""

    def convert(self, where: str, value: bool | str | Iterable[str]) -> tuple[str, ...]:
        if isinstance(value, bool):
            return ("*",) if value else ()
        names = (value,) if isinstance(value, str) else value
        if not isinstance(names, (tuple, list)) or not all(isinstance(n, str) for n in names):
            raise ParameterError(where, f"must be True, False or parameter names, got {value!r}")
        return tuple(names)


class Initial(Field["Mapping[str, Any]", "dict[str, Array]"]):
    """Values of states at the beginning of a run, where they differ from the declared reset."""

    def convert(self, where: str, value: Mapping[str, Any]) -> dict[str, Array]:
        if not isinstance(value, Mapping):
            raise ParameterError(where, f"must map state names to values, got {value!r}")
        values = {}
        for name, given in value.items():
            values[name] = as_float_array(f"{where}[{name!r}]", given)
            REAL.check(f"{where}[{name!r}]", values[name])
        return values


@dataclass_transform()
@dataclass(eq=False, repr=False)
class Process:
    """Base of all processes; see the module for how a type is written.

    Parameters
    ----------
    name
        Name within the network; numbered by type when left out (``lif1``, ``lif2``).
    learn
        Which parameters training changes: names add to the type's own choice (weights are learned,
        a neuron's parameters are not), True takes all, False none.
    initial
        Start values of states, ``{"v": array}``, where they differ from the declared reset.
    """

    _: KW_ONLY
    name: MaybeName = Maybe(Name())
    learn: Maybe[bool | str | Iterable[str], tuple[str, ...]] = Maybe(Learn())
    initial: Maybe[Mapping[str, Any], dict[str, Array]] = Maybe(Initial())

    step: ClassVar[Callable[..., Any]]
    sequence: ClassVar[Callable[..., Any] | None] = None
    abstract: ClassVar[bool] = True
    external: ClassVar[bool] = False
    is_sink: ClassVar[bool] = False
    has_side_effects: ClassVar[bool] = False
    holds_processes: ClassVar[bool] = False
    follows_events: ClassVar[bool] = False
    step_arguments: ClassVar[tuple[str, ...]] = ()
    in_specs: ClassVar[dict[str, In]] = {}
    out_specs: ClassVar[dict[str, Out]] = {}
    ref_specs: ClassVar[dict[str, Ref]] = {}
    state_specs: ClassVar[dict[str, State]] = {}
    param_specs: ClassVar[dict[str, Param]] = {}
    option_specs: ClassVar[dict[str, Field[Any, Any]]] = {}

    def __init_subclass__(cls, abstract: bool = False) -> None:
        dataclass(eq=False, repr=False)(cls)
        cls.abstract = abstract
        cls.in_specs = _declared(cls, In)
        cls.out_specs = _declared(cls, Out)
        cls.ref_specs = _declared(cls, Ref)
        cls.state_specs = _declared(cls, State)
        cls.param_specs = _declared(cls, Param)
        fields: dict[str, Field[Any, Any]] = _declared(cls, Field)
        cls.option_specs = {
            name: spec
            for name, spec in fields.items()
            if name not in cls.param_specs and name not in ("name", "initial")
        }
        if not abstract:
            cls.step_arguments = _step_arguments(cls)
            _check_sequence(cls)
            registry.register(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Process:
        self = super().__new__(cls)
        self._bind_ports()
        return self

    def _bind_ports(self) -> None:
        self.created_at = _user_line()
        self.left_out: set[str] = set()
        self.ports: dict[str, Port] = {}
        for name, spec_in in self.in_specs.items():
            self.ports[name] = InPort(self, name, spec_in.dtype)
        for name, spec_out in self.out_specs.items():
            self.ports[name] = OutPort(self, name, spec_out.dtype)
        for name, spec_ref in self.ref_specs.items():
            self.ports[name] = RefPort(self, name, spec_ref.write)

    def add_input(self, name: str) -> None:
        """Give this process an InPort beside those of its type; its step takes it by name."""
        self.ports[name] = InPort(self, name)
        vars(self)["in_specs"] = {**self.in_specs, name: In()}
        vars(self)["step_arguments"] = (*self.step_arguments, name)

    def __post_init__(self) -> None:
        """What fields cannot see alone; checked again when the network is built."""
        for name in self.learn or ():
            spec = self.param_specs.get(name)
            if name != "*" and (spec is None or not spec.learnable or name in self.left_out):
                can = ", ".join(n for n, s in self._present() if s.learnable) or "none"
                raise ParameterError(
                    f"{self.where}, learn", f"no learnable parameter {name!r}; has: {can}"
                )
        for name in self.initial or ():
            if name not in self.states(training=True):
                has = ", ".join(self.states(training=True)) or "none"
                raise ParameterError(f"{self.where}, initial", f"no state {name!r}; has: {has}")
        for name, value in self.parameters().items():
            if self.domain(name) != self.param_specs[name].within:
                self.domain(name).check(f"{self.where}, {name}", value)
        self.check_parameters(None)

    # -- what a type may say beyond its declarations ---------------------------------------------

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        """Signals of the OutPorts from those of the InPorts known so far; None asks to wait.

        The default is elementwise: every OutPort carries what the first InPort does.
        """
        if not inputs:
            return None
        signal = next(iter(inputs.values()))
        return dict.fromkeys(self.out_specs, signal)

    def parameter_shapes(self, signal: Signal | None) -> Mapping[str, Shape]:
        """Exact shapes of parameters, given the first input's signal (None: not known yet)."""
        return {}

    def check_parameters(self, signal: Signal | None) -> None:
        """Refuse parameters whose shapes do not fit `parameter_shapes`."""
        for name, shape in self.parameter_shapes(signal).items():
            value = self.parameters().get(name)
            if value is not None and value.shape != shape:
                raise ShapeError(
                    f"{self.where}, {name}", f"must have shape {shape}, got {value.shape}"
                )

    def initialise(self, name: str, shape: Shape, rng: np.random.Generator) -> Array:
        """First value of a parameter that was not given; called when a network is built."""
        raise NotImplementedError(f"{type(self).__name__} does not initialise {name}")

    def domain(self, name: str) -> Domain:
        """Where a parameter must be, and training keeps it."""
        return self.param_specs[name].within

    def parameter_view(self, name: str, shape: Shape, signal: Signal) -> Shape:
        """The shape in which a step sees a parameter of ``shape``, so that it broadcasts."""
        return shape

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> Form | None:
        """How the event engine executes this process; None if it follows the step itself."""
        return None

    def state_shape(self, name: str, shape: Shape) -> Shape:
        """The shape of a state, given that of the port it is declared like."""
        return shape

    def fan_out(self, signal: Signal) -> Array | None:
        """How many synapses each value of the input drives; None if this is no synapse."""
        return None

    def used_fan_out(self, signal: Signal) -> Array | None:
        """As `fan_out`, without the synapses whose weight is zero where the type can tell."""
        return self.fan_out(signal)

    def weights(self) -> tuple[int, int]:
        """How many weights are not zero, and how many there could be; (0, 0) if this has none."""
        return 0, 0

    def requires_input(self, port: str) -> bool:
        """Whether an unconnected InPort is an error; if not, it reads as zero."""
        return True

    # -- what every process knows about itself ---------------------------------------------------

    @property
    def label(self) -> str:
        """``LIF 'hidden'``, or ``LIF`` while it has no name."""
        name = self.__dict__.get("name")
        return f"{type(self).__name__} {name!r}" if name else type(self).__name__

    @property
    def where(self) -> str:
        """The label with the user's line that made the process: ``LIF 'hidden' (train.py:31)``."""
        return f"{self.label} ({self.created_at})" if self.created_at else self.label

    @property
    def in_ports(self) -> dict[str, InPort]:
        """InPorts by name, in declared order."""
        return {n: p for n, p in self.ports.items() if isinstance(p, InPort)}

    @property
    def out_ports(self) -> dict[str, OutPort]:
        """OutPorts by name, in declared order."""
        return {n: p for n, p in self.ports.items() if isinstance(p, OutPort)}

    @property
    def ref_ports(self) -> dict[str, RefPort]:
        """RefPorts by name, in declared order."""
        return {n: p for n, p in self.ports.items() if isinstance(p, RefPort)}

    @property
    def learned(self) -> tuple[str, ...]:
        """Names of the parameters that training changes by gradient."""
        specs = self._present()
        if self.learn == ():
            chosen = set()
        elif self.learn == ("*",):
            chosen = {n for n, s in specs if s.learnable}
        else:
            chosen = {n for n, s in specs if s.learned} | set(self.learn or ())
        return tuple(n for n, _ in specs if n in chosen)

    def states(self, training: bool) -> tuple[str, ...]:
        """Names of the states that exist, in training or outside it."""
        return tuple(n for n, s in self.state_specs.items() if training or not s.training_only)

    def draws(self, training: bool) -> bool:
        """Whether a step uses the uniform random numbers it takes, in training or outside it."""
        return "uniform" in self.step_arguments

    def folds_time(self, training: bool) -> bool:
        """Whether a step depends on its inputs alone, so that all timesteps can be done at once."""
        depends_on_time = {"t", "batch"}.intersection(self.step_arguments) or self.draws(training)
        return not (
            self.states(training) or self.ref_specs or depends_on_time or self.has_side_effects
        )

    @property
    def needs_whole_sequence(self) -> bool:
        """Whether, in training, one step needs the inputs of all timesteps."""
        return False

    @property
    def needs_double(self) -> bool:
        """Whether its numbers are whole ones of more digits than float32 holds."""
        return False

    def _present(self) -> list[tuple[str, Param]]:
        return [(n, s) for n, s in self.param_specs.items() if n not in self.left_out]

    def options(self) -> dict[str, Any]:
        """Options by name: what shapes the process, without its arrays."""
        return {name: getattr(self, name) for name in self.option_specs}

    def parameters(self) -> dict[str, Array]:
        """Arrays by name; a parameter is missing while it is left out or not yet initialised."""
        values = {name: self.__dict__.get(name) for name in self.param_specs}
        return {name: value for name, value in values.items() if value is not None}

    def __repr__(self) -> str:
        given = {n: v for n, v in self.options().items() if v != self.option_specs[n].default}
        return f"{self.label}({', '.join(f'{n}={v!r}' for n, v in given.items())})"


def _declared(cls: type, kind: type[Spec]) -> dict[str, Spec]:
    """Class attributes of one kind, base classes first, a redeclared name in its first place."""
    found: dict[str, Spec] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, kind):
                found[name] = value
            elif name in found:
                del found[name]
    return found


def _step_arguments(cls: type[Process]) -> tuple[str, ...]:
    """Argument names of ``step``, each checked to mean something; wrong code fails on import."""
    if not callable(getattr(cls, "step", None)):
        raise GraphError(f"process type {cls.__name__!r}", "has no step", "define step(self, ...)")
    arguments = list(inspect.signature(cls.step).parameters.values())[1:]
    names = tuple(a.name for a in arguments if a.kind is not a.VAR_KEYWORD)
    if len(names) < len(arguments):  # **states
        names += tuple(cls.state_specs)
    known = {*cls.in_specs, *cls.ref_specs, *cls.state_specs, *cls.param_specs, *ENGINE_ARGUMENTS}
    for name in names:
        if name not in known and not hasattr(cls, f"bind_{name}"):
            raise GraphError(
                f"process type {cls.__name__!r}, step",
                f"argument {name!r} is no port, state, parameter or {sorted(ENGINE_ARGUMENTS)}",
                f"declare it or define bind_{name}",
            )
    return names


def _check_sequence(cls: type[Process]) -> None:
    """An optional ``sequence`` takes what ``step`` takes, and no more than its own inputs."""
    if cls.sequence is None:
        return
    where = f"process type {cls.__name__!r}, sequence"
    if tuple(inspect.signature(cls.sequence).parameters)[1:] != cls.step_arguments:
        raise GraphError(where, f"must take what step takes: {', '.join(cls.step_arguments)}")
    if cls.ref_specs or "uniform" in cls.step_arguments:
        raise GraphError(where, "has no RefPorts and no random numbers; step has")


def _user_line() -> str:
    """``file.py:31`` of the code outside this library that is making a process, if there is any."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == "bidl_sim.cli":
            return ""
        if not module.startswith("bidl_sim."):
            return f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return ""
