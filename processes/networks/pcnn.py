"""The pulse-coupled neural network."""

from __future__ import annotations

from typing import Any

import numpy as np

from bidl_sim.core.fields import Dims
from bidl_sim.core.network import Network
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.pulse_coupled import PulseCoupled
from bidl_sim.processes.synapses.conv2d import Conv2d
from bidl_sim.typing import Shape

NEIGHBOURS = np.array([[0.5, 1.0, 0.5], [1.0, 0.0, 1.0], [0.5, 1.0, 0.5]])
"""How strongly the pixels around link a pixel; the corners are further away."""


def pcnn(
    shape: Shape, *, v_l: float = 1.0, v_f: float = 0.0, name: str | None = None, **neuron: Any
) -> Network:
    """One neuron for each pixel, linked with its eight neighbours: segments an image by time.

    Brighter pixels fire earlier; a pixel that fires raises its neighbours, so that regions of
    similar brightness fire together. Spikes link in the next step, so that a region that fires
    together takes as many steps as a wave needs to cross it. See `PulseCoupled` for the equations.

    Parameters
    ----------
    shape
        Height and width of the image.
    v_l, v_f : default 1, 0
        How much a spike of the neighbours links and feeds; corners get half of it.
    **neuron
        Parameters of `PulseCoupled`, such as ``beta``, ``alpha_t`` or ``link="add"``.

    Ports
    -----
    a_in : (1, height, width), the image, in every step
    s_out : (1, height, width)

    References
    ----------
    Johnson and Padgett, IEEE Trans. Neural Netw. 10 (1999).

    Examples
    --------
    >>> pcnn((64, 64), beta=0.3)
    Network(2 processes)
    """
    sizes = Dims().convert("pcnn, shape", shape)
    if len(sizes) != 2:
        raise ParameterError("pcnn, shape", f"must be (height, width), got {sizes}")
    net = Network(name=name)
    pixels = net.add(PulseCoupled((1, *sizes), name="pixels", **neuron))
    for kind, size, port in (("linking", v_l, "l_in"), ("feeding", v_f, "a_in")):
        if size:
            around = size * NEIGHBOURS[None, None]
            synapses = Conv2d(1, 1, 3, padding=1, weight=around, bias=False, learn=False, name=kind)
            net.connect(pixels, net.add(synapses), delay=1)
            net.connect(synapses, pixels.in_ports[port])
    net.expose(pixels.ports["a_in"])
    net.expose(pixels.ports["s_out"])
    return net
