"""The torch face of a network of processes: a module that is fed tensors with time last."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from bidl_sim.core.network import Network
from bidl_sim.engines.torch.unroll import Carry, Unroll
from bidl_sim.errors import ShapeError
from bidl_sim.typing import Shape


class Face(nn.Module):
    """Base: a network that is built when the shape of its inputs is known.

    `network` gives it, trained as it stands, to simulate, save or connect. Its processes are found
    by their names, as the modules that hold their parameters (``block.synapse.weight``).

    Parameters
    ----------
    persistent
        Go on from where the last call ended, if its batch was of the same size.
    """

    def __init__(self, persistent: bool = False) -> None:
        super().__init__()
        self.persistent = persistent
        self.carry: Carry | None = None
        self.batch = 0
        self.in_shape: Shape = ()
        self.is_provisional = False
        self.body: Unroll | None = None

    def build(self, shape: Shape, channels: int | None) -> Network:
        """A network of new processes for inputs of this shape; ``channels`` are its outputs'."""
        raise NotImplementedError

    def channels_of(self, shape: Shape) -> int:
        """How many channels leave the network, for inputs of this shape."""
        return shape[0]

    def prepare(self, shape: Shape, provisional: bool = False) -> Unroll:
        """Make the network for inputs of this shape; parameters that there are stay.

        After a ``provisional`` shape, where nobody told how many channels there are, parameters
        for each channel are drawn when the first input shows it.
        """
        if self.body is None:
            self.body = Unroll(self.build(shape, self.channels_of(shape)))
        elif shape != self.in_shape:
            channels = self.channels_of(shape) if self.is_provisional else None
            net = self.build(shape, channels)
            if self.is_provisional:
                self.grow(Unroll(net))
            self.body.rewire(net)
            self.carry = None
        self.in_shape, self.is_provisional = shape, provisional
        return self.body

    def grow(self, wide: Unroll) -> None:
        """Take from ``wide`` the parameters of another shape than they have so far."""
        assert self.body is not None
        found = dict(self.body.named_parameters()) | dict(self.body.named_buffers())
        for name, value in (*wide.named_parameters(), *wide.named_buffers()):
            if found[name].shape != value.shape:
                found[name].data = value.data.to(found[name])

    def run(self, *inputs: Tensor) -> Tensor:
        """Outputs ``(batch, time, ...)`` for inputs ``(batch, channel, ..., time)``, one by one."""
        for x in inputs:
            if x.dim() < 3:
                raise ShapeError(
                    type(self).__name__, f"takes (batch, channel, ..., time), got {tuple(x.shape)}"
                )
        body = self.prepare(tuple(inputs[0].shape[1:-1]))
        body.train(self.training)
        if len(inputs[0]) != self.batch:
            self.carry, self.batch = None, len(inputs[0])
        given = {
            name: x.movedim(-1, 1) for name, x in zip(body.circuit.inputs, inputs, strict=True)
        }
        y, _, carry = body.advance(given, self.carry)
        self.carry = carry.detach() if self.persistent and carry.state else None
        found: Tensor = y
        return found

    def network(self) -> Network:
        """The network with the parameters as they stand now."""
        assert self.body is not None
        self.body.write_back()
        network: Network = self.body.network
        return network

    def part(self, name: str) -> nn.Module:
        """The module that holds the parameters of the process of this name."""
        body = self.__dict__.get("_modules", {}).get("body")
        if body is None or name not in dict(body.named_children()):
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        module: nn.Module = body.get_submodule(name)
        return module

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return self.part(name)
