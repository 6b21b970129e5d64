"""Plays back spike times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bidl_sim.core.fields import Dims
from bidl_sim.core.param import NON_NEGATIVE, Param
from bidl_sim.core.port import Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from torch import Tensor


class SpikeSource(Process):
    """Sends a spike of neuron ``neurons[k]`` in step ``times[k]``.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the population that the spikes come from.
    times : (spikes,)
        Steps, whole numbers from 0 on, in any order.
    neurons : (spikes,)
        Indices into the population, flat (last axis fastest). A pair given twice is one spike of
        size two.

    Ports
    -----
    s_out : (*shape)
    """

    shape: Dims = Dims()
    times: Param = Param(None, within=NON_NEGATIVE, learnable=False, may_be_empty=True, whole=True)
    neurons: Param = Param(
        None, within=NON_NEGATIVE, learnable=False, may_be_empty=True, whole=True
    )

    s_out = Out()

    def __post_init__(self) -> None:
        given = self.parameters()
        for name in ("times", "neurons"):
            if name not in given or given[name].ndim != 1:
                raise ShapeError(f"{self.where}, {name}", "must be an array of shape (spikes,)")
            if np.any(given[name] % 1):
                raise ParameterError(f"{self.where}, {name}", "must be whole numbers")
        if given["times"].shape != given["neurons"].shape:
            raise ShapeError(
                f"{self.where}, neurons",
                f"must be as many as times ({len(given['times'])}), got {len(given['neurons'])}",
            )
        size = int(np.prod(self.shape))
        if np.any(given["neurons"] >= size):
            worst = int(given["neurons"].max())
            raise ParameterError(f"{self.where}, neurons", f"must be below {size}, got {worst}")
        super().__post_init__()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        return {"s_out": Signal(self.shape)}

    def step(self, t: int, times: Tensor, neurons: Tensor) -> Tensor:
        now = neurons[times == t].long()
        return now.bincount(minlength=int(np.prod(self.shape))).view(self.shape)
