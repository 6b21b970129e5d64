"""Pairs of synapses of lava-dl, for neurons with a real and an imaginary input."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from bidl_sim.slayer.synapse import layer


class Pair(nn.Module):
    """Base: two synapses of one kind, ``real`` and ``imag``, that hear the same input.

    Parameters
    ----------
    *args, **options
        Those of one synapse.
    """

    kind: ClassVar[type[layer.Synapse]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        self.real, self.imag = self.kind(*args, **options), self.kind(*args, **options)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The sums of both."""
        return self.real(x), self.imag(x)

    @property
    def pre_hook_fx(self) -> Any:
        """What weights go through before they are used."""
        return self.real.pre_hook_fx

    @pre_hook_fx.setter
    def pre_hook_fx(self, hook: Any) -> None:
        self.real.pre_hook_fx = self.imag.pre_hook_fx = hook

    @property
    def grad_norm(self) -> float:
        """The mean of both."""
        return (self.real.grad_norm + self.imag.grad_norm) / 2


class Dense(Pair):
    """Two of `layer.Dense`."""

    kind = layer.Dense


class Conv(Pair):
    """Two of `layer.Conv`."""

    kind = layer.Conv


class ConvTranspose(Pair):
    """Two of `layer.ConvTranspose`."""

    kind = layer.ConvTranspose


class Pool(Pair):
    """Two of `layer.Pool`."""

    kind = layer.Pool


class Unpool(Pair):
    """Two of `layer.Unpool`."""

    kind = layer.Unpool
