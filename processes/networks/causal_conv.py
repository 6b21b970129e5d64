"""Convolution over time that looks back only."""

from __future__ import annotations

from bidl_sim.core.fields import as_int
from bidl_sim.core.network import Network
from bidl_sim.processes.synapses.dense import Dense
from bidl_sim.processes.transforms.add import Add
from bidl_sim.processes.transforms.concat import Concat


def causal_conv(
    in_features: int,
    out_features: int,
    kernel_size: int,
    bias: bool = True,
    name: str | None = None,
) -> Network:
    """A linear map of this frame and of those before it.

    ::

        s_in ─┬────────────┬─ side by side ─ Dense ─ a_out
              ├─ delay 1 ──┤
              └─ delay 2 ──┘

        a_out(t) = sum over k < kernel_size of W_k s_in(t - k) + bias

    The delays of the connections hold the frames; before the first one there are zeros. The
    ``weight`` of the Dense process is (out_features, kernel_size in_features), W_0 first.

    Parameters
    ----------
    in_features, out_features, kernel_size : int
    bias : bool, default True
    name
        Within the enclosing network.
    """
    taps = as_int("causal_conv, kernel_size", kernel_size, 1)
    dense = Dense(taps * in_features, out_features, bias=None if bias else False)
    if taps == 1:
        return Network.sequential(dense, name=name)
    net = Network(name=name)
    enter, frames = net.add(Add(), "enter"), net.add(Concat(taps), "frames")
    for delay, port in enumerate(frames.in_ports.values()):
        net.connect(enter, port, delay)
    net.connect(frames, net.add(dense))
    net.expose(enter.s_in)
    net.expose(dense.a_out)
    return net
