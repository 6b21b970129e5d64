"""Attention to frames: which steps matter."""

from __future__ import annotations

from bidl_sim.core.network import Network
from bidl_sim.processes.networks.parallel import parallel
from bidl_sim.processes.synapses.temporal_linear import TemporalLinear
from bidl_sim.processes.transforms.activation import Activation
from bidl_sim.processes.transforms.add import Add
from bidl_sim.processes.transforms.global_avg_pool import GlobalAvgPool
from bidl_sim.processes.transforms.multiply import Multiply


def temporal_attention(steps: int, name: str | None = None) -> Network:
    """Weighs each frame by a score from the frames up to it.

    ::

        s_in ─┬───────────────────────────────────────────────────────── x ─ a_out
              └─ mean ─ TemporalLinear ─ relu ─ TemporalLinear ─ sigmoid ┘

        z(t) = mean of s_in(t)                one number a frame
        d = sigmoid(W2 relu(W1 z))            W1, W2 lower triangular, (steps, steps)
        a_out(t) = d(t) s_in(t)

    It is the causal form. The published one has full matrices, so that the score of step t needs
    the frames after t, which no timestep-driven run has, here or on a chip; and fewer units between
    them than steps: a unit that belongs to no step has no causal counterpart, so here each step has
    one. What happens after ``steps`` steps says `TemporalLinear`.

    Parameters
    ----------
    steps : at least 2
        How many steps have weights of their own.
    name
        Within the enclosing network.

    References
    ----------
    Yao et al., TA-SNN, ICCV 2021.
    """
    score = Network.sequential(
        GlobalAvgPool("frame"),
        TemporalLinear(steps),
        Activation("relu"),
        TemporalLinear(steps),
        Activation("sigmoid"),
        name="score",
    )
    return parallel(Add(name="frame"), score, join=Multiply("frame"), name=name)
