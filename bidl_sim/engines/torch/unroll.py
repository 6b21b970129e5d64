"""The network as a torch module: the same circuit, unrolled over time under autograd."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bidl_sim.core.fields import as_int
from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.engines.torch.bits import spikes_as_bits
from bidl_sim.engines.torch.constrain import constrained
from bidl_sim.engines.torch.engine import TorchEngine
from bidl_sim.engines.torch.fire import SPIKES
from bidl_sim.engines.torch.fused import KERNELS
from bidl_sim.engines.torch.inputs import arrange
from bidl_sim.engines.torch.place import place
from bidl_sim.engines.torch.segments import check_segments, run_in_segments
from bidl_sim.engines.torch.signals import State
from bidl_sim.engines.torch.unit import Mode
from bidl_sim.errors import GraphError, ParameterError, ShapeError, StateError


@dataclass(frozen=True)
class Carry:
    """Where a run stands: the state to go on from, the index of the next step, and the seed."""

    state: State
    t: int
    seed: int

    def detach(self) -> Carry:
        """The same values, through which no gradient flows: the cut of truncated BPTT."""
        state = {path: value.detach() for path, value in self.state.items()}
        return Carry(state, self.t, self.seed)


class Unroll(nn.Module):
    """A network as a `torch.nn.Module`, for your own training loop or any torch tool.

    ``forward`` takes ``(batch, time, *shape)`` (a mapping from input names if there are several
    inputs) and returns ``(batch, time, ...)``, without time after a temporal aggregation. Every
    call begins from the declared state. Parameters carry the processes' paths as names
    (``dense1.weight``), so ``state_dict`` reads like the network.

    Parameters
    ----------
    net
        The network; its parameters are copied, `write_back` puts the trained ones into it.
    schedule : "process" or "timestep"
    seed
        Fixes the numbers of stochastic sources outside training; in training each run has others.
    spikes : "hard" or "smooth"
        "smooth" replaces each spike by its surrogate's integral, to check gradients.
    dtype
        Format of parameters and states, default float32. ``.to()`` changes it afterwards, but a
        number that was rounded to float32 stays rounded.
    kernels : "auto", "fused" or "eager"
        Whether populations run on compiled kernels, see `bidl_sim.engines.torch.fused`.
    segment
        Of a sequence longer than this, keep for the backward pass only the states between segments
        of so many steps, and do the steps of each segment again: memory for arithmetic. 0 for no
        segments.
    bits
        Keep spikes for the backward pass as bits, a 32nd of the memory.

    Examples
    --------
    >>> from bidl_sim.processes import LIF, Dense, Input, TimeMean
    >>> model = Unroll(Network.sequential(Input(4), Dense(4, 3), LIF(), Dense(3, 2), TimeMean()))
    >>> model(torch.zeros(8, 20, 4)).shape
    torch.Size([8, 2])
    """

    def __init__(
        self,
        net: Process,
        schedule: str = "process",
        seed: int = 0,
        spikes: str = "hard",
        dtype: Any = None,
        kernels: str = "auto",
        segment: int = 0,
        bits: bool = False,
    ) -> None:
        super().__init__()
        for name, value, known in (("spikes", spikes, SPIKES), ("kernels", kernels, KERNELS)):
            if value not in known:
                raise ParameterError(f"Unroll, {name}", f"must be one of {known}, got {value!r}")
        self.network = net if isinstance(net, Network) else Network.of(net)
        self._schedule = schedule
        self._engine = TorchEngine(self.network.build(), schedule)
        self._spikes, self._kernels = spikes, kernels
        self._segment, self._bits = as_int("Unroll, segment", segment, 0), bits
        if segment:
            check_segments(self.circuit)
        self._seed = as_int("Unroll, seed", seed, 0)
        _, dtype = place("Unroll", None, dtype)
        self._anchor: Tensor  # tells device and dtype after .to()
        self.register_buffer("_anchor", torch.empty(0, dtype=dtype), persistent=False)
        self._places = self._register()

    @property
    def circuit(self) -> Any:
        """The circuit this module runs."""
        return self._engine.circuit

    def forward(self, inputs: Any, record: Collection[str] = ()) -> Any:
        """Run from the declared state; with ``record``, also return states and ports by path."""
        output, recorded, _ = self._run(inputs, None, record)
        return (output, recorded) if record else output

    def advance(
        self, inputs: Any, carry: Carry | None = None, record: Collection[str] = ()
    ) -> tuple[Any, dict[str, Tensor], Carry]:
        """Run on from ``carry`` (the declared state if None): output, recorded, where it ended."""
        return self._run(inputs, carry, record)

    def rewire(self, net: Network) -> None:
        """Run another network with the parameters there are.

        It has the same processes, with parameters of the same names, for example for another shape
        of its input.
        """
        engine = TorchEngine(net.build(), self._schedule)
        paths = {f"{p}.{n}" for p, x in engine.circuit.processes.items() for n in x.parameters()}
        if paths != set(self._places):
            raise GraphError(
                "Unroll.rewire",
                f"the parameters differ: {', '.join(sorted(paths ^ set(self._places)))}",
            )
        self.network, self._engine = net, engine

    def write_back(self) -> None:
        """Put the parameters that changed into the network's processes."""
        with torch.no_grad():
            for path, value in self._values().items():
                path, _, name = path.rpartition(".")
                process = self.circuit.processes[path]
                before = torch.tensor(getattr(process, name), dtype=value.dtype)
                if not torch.equal(value.detach().cpu(), before):
                    setattr(process, name, value)

    def _run(
        self, inputs: Any, carry: Carry | None, record: Collection[str]
    ) -> tuple[Any, dict[str, Tensor], Carry]:
        device, dtype = self._anchor.device, self._anchor.dtype
        arranged = arrange(self.circuit, inputs, device, dtype)
        if arranged.steps is None:
            raise StateError("Unroll", "the network has no inputs", "simulate it with Simulator")
        if not arranged.batched:
            raise ShapeError("Unroll", "takes (batch, time, ...), got a single sample")
        for path in record:
            self.circuit.locate(path)
        seed = carry.seed if carry else self._next_seed()
        mode = Mode(arranged.batch, device, dtype, seed, self.training, self._spikes, self._kernels)
        values = self._values()
        carry = carry or Carry(self._engine.initial_state(mode, values), 0, seed)
        lowered, inputs = self._engine.lower(mode, values), arranged.sequences
        span: Any = {"t": carry.t, "steps": arranged.steps, "record": record}
        if self._segment and torch.is_grad_enabled():
            span["segment"] = self._segment
            result = run_in_segments(self._engine, lowered, inputs, carry.state, **span)
        else:
            with spikes_as_bits() if self._bits else nullcontext():
                result = self._engine.run(lowered, inputs, carry.state, **span)
        outputs = {
            name: value.transpose(0, 1) if self.circuit.signals[port].timed else value
            for (name, port), value in zip(
                self.circuit.outputs.items(), result.outputs.values(), strict=True
            )
        }
        return (
            next(iter(outputs.values())) if len(outputs) == 1 else outputs,
            {path: value.transpose(0, 1) for path, value in result.recorded.items()},
            Carry(result.state, carry.t + arranged.steps, seed),
        )

    def _next_seed(self) -> int:
        """In training stochastic sources differ from run to run, as torch's generator has it."""
        processes = self.circuit.processes.values()
        if not (self.training and any(p.draws(True) for p in processes)):
            return self._seed
        return int(torch.randint(2**31, ()))

    def _register(self) -> dict[str, nn.Module]:
        """Give every parameter a place in the tree of modules; returns its module by path."""
        places: dict[str, nn.Module] = {}
        for path, process in self.circuit.processes.items():
            module: nn.Module = self
            for part in path.split("."):
                if part not in dict(module.named_children()):
                    if hasattr(module, part):
                        raise GraphError(
                            process.where,
                            f"torch.nn.Module has an attribute {part!r} of its own",
                            "give the process another name",
                        )
                    module.add_module(part, nn.Module())
                module = module.get_submodule(part)
            for name, value in process.parameters().items():
                whole = process.param_specs[name].whole
                tensor = torch.tensor(value, dtype=torch.int64 if whole else self._anchor.dtype)
                if name in process.learned:
                    module.register_parameter(name, nn.Parameter(tensor))
                else:
                    module.register_buffer(name, tensor)
                places[f"{path}.{name}"] = module
        return places

    def _values(self) -> dict[str, Tensor]:
        """Parameters by path, learned ones within their domain."""
        values = {}
        for path, module in self._places.items():
            process, _, name = path.rpartition(".")
            value = getattr(module, name)
            if isinstance(value, nn.Parameter):
                value = constrained(value, self.circuit.processes[process].domain(name))
            values[path] = value
        return values
