"""The continuous attractor network."""

from __future__ import annotations

import math

import numpy as np

from bidl_sim.core.fields import Dims, Real, as_int
from bidl_sim.core.network import Network
from bidl_sim.errors import ParameterError
from bidl_sim.processes.neurons.low_pass import LowPass
from bidl_sim.processes.normalization.divisive_norm import DivisiveNorm
from bidl_sim.processes.synapses.sparse import Sparse
from bidl_sim.processes.transforms.flatten import Flatten
from bidl_sim.typing import Array, Shape


def cann(
    shape: int | Shape,
    *,
    width: float = 2.0,
    strength: float = 1.0,
    inhibition: float = 0.5,
    tau: float = 5.0,
    dt: float = 1.0,
    radius: int | None = None,
    name: str | None = None,
) -> Network:
    """A ring or torus of neurons on which a bump of activity stands, or follows its input.

    ::

        tau dv(x)/dt = -v(x) + sum over x' of j(x - x') r(x') + a_in(x)
        r(x) = v(x)^2 / (1 + k sum over x' of v(x')^2),                      v where it is above 0
        j(d) = strength (2 pi width^2)^(-D/2) exp(-|d|^2 / (2 width^2)),     d around the ring

    The recurrent input is that of the step before. With D axes and below k_c = strength^2 /
    (4 (8 pi width^2)^(D/2)) a bump v0 exp(-|x - z|^2 / (4 width^2)) stands anywhere by itself.

    Parameters
    ----------
    shape
        Number of neurons along each of one or two axes, each of which closes in itself.
    width
        Of the synapses j, in neurons.
    strength
        Sum of the synapses of a neuron.
    inhibition
        k, in units of k_c.
    tau, dt : ms, default 5, 1
        One forward step of dt; with dt = tau, v is the input of the step.
    radius
        No synapse reaches further along an axis; everywhere when left out.

    Ports
    -----
    a_in : any shape with as many values as neurons
    a_out : r, flat

    References
    ----------
    Amari, Biol. Cybern. 27 (1977); Wu, Hamaguchi and Amari, Neural Comput. 20 (2008).

    Examples
    --------
    >>> cann((30, 56), radius=8)
    Network(4 processes)
    """
    sizes = Dims().convert("cann, shape", shape)
    if len(sizes) > 2:
        raise ParameterError("cann, shape", f"must have one or two axes, got {sizes}")
    for what, value in (("width", width), ("strength", strength), ("inhibition", inhibition)):
        Real(positive=True).convert(f"cann, {what}", value)
    critical = strength**2 / 4 / (8 * math.pi * width**2) ** (len(sizes) / 2)
    net = Network(name=name)
    flat = net.add(Flatten(name="input"))
    potential = net.add(LowPass(tau=tau, dt=dt, method="euler", name="potential"))
    rate = net.add(DivisiveNorm(k=inhibition * critical, name="rate"))
    synapses = net.add(_gaussian(sizes, width, strength, radius))
    net.connect(flat, potential)
    net.connect(potential, rate)
    net.connect(rate, synapses)
    net.connect(synapses, potential, delay=1)
    net.expose(flat.ports["s_in"], "a_in")
    net.expose(rate.ports["a_out"], "a_out")
    return net


def _gaussian(sizes: Shape, width: float, strength: float, radius: int | None) -> Sparse:
    """Synapses to all neurons within the radius, weighted by distance around the ring."""
    if radius is not None:
        as_int("cann, radius", radius, 0)
    reach = [n if radius is None else 2 * radius + 1 for n in sizes]
    along = [np.arange(min(n, r)) - (min(n, r) - 1) // 2 for n, r in zip(sizes, reach, strict=True)]
    offsets = np.stack(np.meshgrid(*along, indexing="ij"), -1).reshape(-1, len(sizes))
    weight = np.exp(-(offsets**2).sum(1) / (2 * width**2)) / (2 * math.pi * width**2) ** (
        len(sizes) / 2
    )
    places = np.indices(sizes).reshape(len(sizes), -1, 1)
    targets = np.ravel_multi_index(tuple(places + offsets.T[:, None]), sizes, mode="wrap")
    n, each = targets.shape
    return Sparse.from_pairs(
        n,
        n,
        np.repeat(np.arange(n), each),
        targets.ravel(),
        weight=strength * np.tile(weight, n),
        learn=False,
        name="synapses",
    )


def centre(activity: Array, shape: int | Shape) -> Array:
    """Where a bump stands: ``(..., axes)``, in neurons, by the population vector of each axis.

    ``activity`` is ``(..., neurons)``, not negative, as `cann` sends it.
    """
    sizes = Dims().convert("centre, shape", shape)
    grid = np.asarray(activity).reshape(*np.shape(activity)[:-1], *sizes)
    found = []
    for axis, n in enumerate(sizes):
        others = tuple(k - len(sizes) for k in range(len(sizes)) if k != axis)
        vector = grid.sum(others) @ np.exp(2j * np.pi * np.arange(n) / n)
        found.append(np.angle(vector) * n / (2 * np.pi) % n)
    return np.stack(found, -1)
