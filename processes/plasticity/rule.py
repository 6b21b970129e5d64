"""The base of plasticity rules: what a spike does to each of its synapses, written once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from bidl_sim.core.forms import WeightRule
from bidl_sim.core.intrinsics import where
from bidl_sim.core.port import In, Ref, Signal
from bidl_sim.core.process import Process
from bidl_sim.core.trace.step import weight_rule
from bidl_sim.errors import GraphError, ShapeError
from bidl_sim.processes.synapses.synapse import FlatSynapse
from bidl_sim.typing import Array

if TYPE_CHECKING:
    from torch import Tensor

Rule = TypeVar("Rule", bound="Plasticity")

CHANGES = ("on_pre", "on_post", "on_epoch")
EQUATIONS = (*CHANGES, "update_pre", "update_post")


class Plasticity(Process, abstract=True):
    """Changes the weights of a `Sparse` or `Dense` by the spikes at its two ends.

    A subclass declares traces, states ``like="pre"`` or ``like="post"``, and writes elementwise
    equations, which take traces, and the step index ``t``, by name and use what a neuron's step may
    use; of the first three at least one:

    - ``on_pre(weight, ...)``, ``on_post(weight, ...)``: the new weight of a synapse whose source,
      or whose target, spikes in this step;
    - ``on_epoch(weight, pre, post, ...)``: the new weight of every synapse, in the last of every
      ``epoch`` steps, counted from t = 0;
    - ``update_pre(pre, ...)``, ``update_post(post, ...)``: the new traces of one side, in the order
      they are declared.

    One step, in this order: the synapses deliver the step's spikes; ``on_pre``, ``on_post``, then
    ``on_epoch``, with the traces as they were before the step; the traces. A weight written at step
    t is delivered from step t + 1 on. Each sample of a batch learns weights of its own.

    Ports
    -----
    pre : spikes of the sources
    post : spikes of the targets
    weight : refers to the weights of the synapses
    """

    pre = In()
    post = In()
    weight = Ref(write=True)

    on_pre: ClassVar[Callable[..., Any]]
    on_post: ClassVar[Callable[..., Any]]
    on_epoch: ClassVar[Callable[..., Any]]
    update_pre: ClassVar[Callable[..., Any]]
    update_post: ClassVar[Callable[..., Any]]
    arguments: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init_subclass__(cls, abstract: bool = False) -> None:
        super().__init_subclass__(abstract)
        if not abstract:
            cls.arguments = _arguments(cls)

    @classmethod
    def traces(cls, side: str) -> tuple[str, ...]:
        """Names of the states of one side, "pre" or "post"."""
        return tuple(name for name, spec in cls.state_specs.items() if spec.like == side)

    @property
    def epoch(self) -> int:
        """How many steps there are from one call of ``on_epoch`` to the next."""
        return 1

    def learn_between(self: Rule, source: Process, synapse: FlatSynapse, target: Process) -> Rule:
        """Connect to the spikes of two populations and to the weights between them."""
        source.out_ports["s_out"].connect(self.in_ports["pre"])
        target.out_ports["s_out"].connect(self.in_ports["post"])
        self.ref_ports["weight"].connect(synapse, "weight")
        return self

    @property
    def synapse(self) -> FlatSynapse:
        """The synapses whose weights are learned."""
        target = self.ref_ports["weight"].target
        if target is None or target[1] != "weight" or not isinstance(target[0], FlatSynapse):
            raise GraphError(f"{self.where}, weight", "must refer to the weight of Sparse or Dense")
        return target[0]

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        synapse = self.synapse
        synapse.check_plastic()
        wanted = {"pre": (synapse.in_features,), "post": (synapse.out_features,)}
        for port, given in inputs.items():
            if given.shape != wanted[port]:
                raise ShapeError(
                    f"{self.where}, {port}",
                    f"receives shape {given.shape}, {synapse.label} has {wanted[port]} there",
                )
        return {}

    def event_form(self, parameters: Mapping[str, Array], signal: Signal) -> WeightRule:
        return weight_rule(self)

    def bind_ends(self, parameters: Mapping[str, Tensor], training: bool) -> Any:
        """For every synapse the places of its source and its target, broadcast like its weight."""
        import torch

        return tuple(torch.from_numpy(places) for places in self.synapse.ends())

    def step(
        self, t: int, pre: Tensor, post: Tensor, weight: Tensor, ends: Any, **traces: Tensor
    ) -> Any:
        at = dict(zip(("pre", "post"), ends, strict=True))
        seen: dict[str, Any] = {
            n: x[:, at[str(self.state_specs[n].like)]] for n, x in traces.items()
        }
        seen.update(t=t, weight=weight, pre=pre[:, at["pre"]], post=post[:, at["post"]])
        for side in ("pre", "post"):
            if f"on_{side}" in self.arguments:
                new = self.call(f"on_{side}", seen)
                seen["weight"] = where(seen[side] != 0, new, seen["weight"])
        if "on_epoch" in self.arguments and (t + 1) % self.epoch == 0:
            seen["weight"] = self.call("on_epoch", seen)
        after: dict[str, Tensor] = {}
        for side in ("pre", "post"):
            new = self.call(f"update_{side}", {"t": t, "pre": pre, "post": post, **traces})
            values = new if isinstance(new, tuple) else (new,)
            after.update(zip(self.traces(side), values, strict=True))
        return (*(after[name] for name in self.state_specs), seen["weight"])

    def call(self, name: str, known: Mapping[str, Any]) -> Any:
        """One of the equations, given what is known by name."""
        return getattr(self, name)(**{n: known[n] for n in self.arguments[name]})


def _arguments(cls: type[Plasticity]) -> dict[str, tuple[str, ...]]:
    """Argument names of the equations that a type has, each checked to mean something."""
    where = f"process type {cls.__name__!r}"
    if not any(hasattr(cls, name) for name in CHANGES):
        raise GraphError(where, f"has none of {', '.join(CHANGES)}", "define one of them")
    everywhere = {"t", "weight", *cls.state_specs}
    known = {
        "on_pre": everywhere,
        "on_post": everywhere,
        "on_epoch": {*everywhere, "pre", "post"},
        **{f"update_{side}": {"t", side, *cls.traces(side)} for side in ("pre", "post")},
    }
    found = {}
    for name in EQUATIONS:
        if not hasattr(cls, name):
            if name in CHANGES:
                continue
            raise GraphError(where, f"has no {name}", f"define {name}")
        found[name] = tuple(inspect.signature(getattr(cls, name)).parameters)[1:]
        for argument in found[name]:
            if argument not in known[name]:
                raise GraphError(
                    f"{where}, {name}",
                    f"argument {argument!r} is none of {', '.join(sorted(known[name]))}",
                )
    return found
