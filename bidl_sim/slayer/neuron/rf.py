"""Resonators that fire at a phase: `RF`."""

from bidl_sim.processes import RF
from bidl_sim.slayer.neuron.device import neuron_params
from bidl_sim.slayer.neuron.neuron import Neuron as Base
from bidl_sim.slayer.neuron.resonant import ResonantFamily

__all__ = ["FAMILY", "Neuron", "neuron_params"]

FAMILY = ResonantFamily(
    "rf",
    RF,
    ("period", "decay"),
    is_complex=True,
)


class Neuron(Base):
    """Resonators that fire at a phase, of complex currents: `RF`.

    Parameters
    ----------
    threshold : > 0
    period : steps, >= 4
    decay : in [0, 1]
    log_init : default True
        Of a pair of periods, spread the channels' evenly in their logarithm, else at random.
    others
        See `Family`.
    """

    family = FAMILY
