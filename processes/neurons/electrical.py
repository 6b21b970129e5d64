"""Electrical synapses: potentials that spread through a learned map of the layer's own state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from bidl_sim.core.fields import Choice, as_int
from bidl_sim.core.network import Network
from bidl_sim.core.port import Out, Signal
from bidl_sim.core.process import Process
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.lif import LIAF
from bidl_sim.processes.synapses.conv2d import Conv2d
from bidl_sim.processes.synapses.dense import Dense
from bidl_sim.typing import Value


class ElectricalLIAF(LIAF):
    """`LIAF` with soft reset (RMP) that also sends its potential, for electrical synapses.

    Parameters
    ----------
    See `LIF`; ``output="spike"`` makes it spike.

    Ports
    -----
    v_out : potential after the leak
    """

    _: KW_ONLY
    reset: Choice = Choice(("hard", "soft"), "soft")

    v_out = Out()

    def infer(self, inputs: Mapping[str, Signal]) -> Mapping[str, Signal] | None:
        found = super().infer(inputs)
        return found and {**found, "v_out": found["s_out"]}

    def step(  # type: ignore[override]  # one output more
        self,
        a_in: Value,
        v: Value,
        alpha: Value,
        beta: Value,
        v_th: Value,
        v_reset: Value,
        fire: Callable[[Value], Value],
        norm: Callable[[Value], Value],
        uniform: Value,
    ) -> tuple[Value, Value, Value, Value]:
        sent, v, s = super().step(a_in, v, alpha, beta, v_th, v_reset, fire, norm, uniform)
        return sent, v, v, s


def electrically_coupled(
    size: int, kernel_size: int | None = None, name: str | None = None, **options: Any
) -> Network:
    """A population whose potentials spread to one another through a learned linear map G.

    ::

        u_t = a_in + v_{t-1} + G v_{t-1}

    and then the step of `LIAF`, with soft reset unless told otherwise. The network holds
    ``neurons``, an `ElectricalLIAF`, and ``coupling``, G: a connection from the potential back to
    the input with a delay of one step. G begins at zero, as a layer without coupling.

    Parameters
    ----------
    size
        Number of neurons of a flat layer, or of channels of an image.
    kernel_size
        Of an image: G is a convolution over odd ``kernel_size`` squared places, from all channels
        to all, and keeps the size. Left out, the layer is flat and G a matrix.
    name
        Name within the enclosing network.
    options
        Of the neurons.

    Notes
    -----
    A reconstruction: of the model only the abstract and its number of weights are public, which G
    as a 3 x 3 convolution beside each of ResNet-18's seventeen populations gives.

    References
    ----------
    Wu et al., Neural Networks 149 (2022): learnable electrical synapses. Used by BIDL: Wu et al.,
    Front. Neurosci. 17 (2023), section 5.1.1.

    Examples
    --------
    >>> electrically_coupled(16, kernel_size=3, alpha=0.9).processes["coupling"].weight.shape
    (16, 16, 3, 3)
    """
    net = Network(name=name)
    neurons = net.add(ElectricalLIAF(**options), "neurons")
    coupling = net.add(_map(size, kernel_size), "coupling")
    net.connect(neurons.v_out, coupling, delay=1)
    net.connect(coupling, neurons)
    net.expose(neurons.a_in)
    net.expose(neurons.s_out)
    return net


def _map(size: int, kernel_size: int | None) -> Process:
    """G, all zero."""
    where = "electrically_coupled"
    size = as_int(f"{where}, size", size, 1)
    if kernel_size is None:
        return Dense(size, size, weight=np.zeros((size, size), np.float32), bias=False)
    k = as_int(f"{where}, kernel_size", kernel_size, 1)
    if k % 2 == 0:
        raise ParameterError(f"{where}, kernel_size", f"must be odd, got {k}")
    weight = np.zeros((size, size, k, k), np.float32)
    return Conv2d(size, size, k, padding=k // 2, weight=weight, bias=False)
