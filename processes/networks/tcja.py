"""Joint attention to time and channels."""

from __future__ import annotations

from bidl_sim.core.network import Network
from bidl_sim.processes.networks.causal_conv import causal_conv
from bidl_sim.processes.networks.parallel import parallel
from bidl_sim.processes.synapses.temporal_linear import TemporalLinear
from bidl_sim.processes.transforms.activation import Activation
from bidl_sim.processes.transforms.add import Add
from bidl_sim.processes.transforms.global_avg_pool import GlobalAvgPool
from bidl_sim.processes.transforms.multiply import Multiply


def tcja(
    channels: int,
    steps: int,
    kernel_size_t: int = 3,
    kernel_size_c: int = 3,
    name: str | None = None,
) -> Network:
    """Weighs each channel of each frame by a score from the frames up to it.

    ::

        s_in ─┬────────────────────────────────────────────── x ─ a_out
              └─ mean ─┬─ causal_conv ────┬─ x ─ sigmoid ─────┘
                       └─ TemporalLinear ─┘

        z[c](t) = mean of s_in[c](t)
        T[c](t) = sum over k < kernel_size_t and channels n of W[c, n, k] z[n](t - k)
        C[c](t) = sum over n <= t and m < kernel_size_c of E[t, n, m] z[c + m - left](n)
        a_out[c](t) = sigmoid(T[c](t) C[c](t)) s_in[c](t)

    T is a convolution over time in which channels are channels, C one over the channels in which
    time steps are channels. It is the causal form: the published T is centred on its step and the
    published C sees all steps, so that a score needs later frames, which no timestep-driven run
    has, here or on a chip. What happens after ``steps`` steps says `TemporalLinear`.

    Parameters
    ----------
    channels : int
    steps : at least 2
        How many steps have weights of their own in C.
    kernel_size_t
        How many frames T sees: this one and those before.
    kernel_size_c
        How many channels C sees.
    name
        Within the enclosing network.

    References
    ----------
    Zhu et al., TCJA-SNN, arXiv 2206.10177 (2022).
    """
    score = Network.sequential(
        GlobalAvgPool(),
        parallel(
            causal_conv(channels, channels, kernel_size_t, bias=False, name="time"),
            TemporalLinear(steps, kernel_size_c, name="channel"),
            join=Multiply(),
            name="joint",
        ),
        Activation("sigmoid"),
        name="score",
    )
    return parallel(Add(name="frame"), score, join=Multiply("channel"), name=name)
