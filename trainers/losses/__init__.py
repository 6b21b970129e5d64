"""Losses on the output of a network, and a regulariser on its firing rates.

An output is ``(batch, time, class)``, or ``(batch, class)`` after a temporal aggregation; targets
are class indices ``(batch,)`` unless a loss says more. Each loss is a dataclass, so that a
configuration can name it.
"""

from bidl_sim.trainers.losses.cross_entropy import CrossEntropy
from bidl_sim.trainers.losses.firing_rate import FiringRate
from bidl_sim.trainers.losses.readout import last, rate
from bidl_sim.trainers.losses.spike_count import SpikeCount
from bidl_sim.trainers.losses.spike_max import SpikeMax
from bidl_sim.trainers.losses.spike_moid import SpikeMoid
from bidl_sim.trainers.losses.spike_rate import MSERate, SpikeRate
from bidl_sim.trainers.losses.spike_time import SpikeTime

LOSSES = {
    kind.__name__: kind
    for kind in (CrossEntropy, MSERate, SpikeCount, SpikeMax, SpikeMoid, SpikeRate, SpikeTime)
}
"""What a configuration can name as ``type`` of a loss."""

__all__ = [
    "LOSSES",
    "CrossEntropy",
    "FiringRate",
    "MSERate",
    "SpikeCount",
    "SpikeMax",
    "SpikeMoid",
    "SpikeRate",
    "SpikeTime",
    "last",
    "rate",
]
