"""What lava-dl tells of the synapses in a block."""

from __future__ import annotations

from typing import Any

from torch import nn


class Weighing:
    """A synapse: the parameters of our process (``weight``, ``gain``), and `grad_norm`."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    @property
    def grad_norm(self) -> float:
        """See `grad_norm`."""
        return grad_norm(self._module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class WeighingPair:
    """The real and the imaginary synapse before complex neurons."""

    def __init__(self, real: Weighing, imag: Weighing) -> None:
        self.real, self.imag = real, imag

    @property
    def grad_norm(self) -> float:
        """The mean of both."""
        return (self.real.grad_norm + self.imag.grad_norm) / 2


def grad_norm(synapse: nn.Module) -> float:
    """The norm of the weight's gradient over the number of weights; 0 without a gradient."""
    grad = getattr(getattr(synapse, "weight", None), "grad", None)
    return 0.0 if grad is None else float(grad.norm()) / grad.numel()
