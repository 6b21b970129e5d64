"""Resonators that fire at a threshold: `RFIzhikevich`."""

from bidl_sim.processes import RFIzhikevich
from bidl_sim.slayer.neuron.device import neuron_params
from bidl_sim.slayer.neuron.neuron import Neuron as Base
from bidl_sim.slayer.neuron.resonant import ResonantFamily

__all__ = ["FAMILY", "Neuron", "neuron_params"]

FAMILY = ResonantFamily(
    "rf_iz",
    RFIzhikevich,
    ("period", "decay"),
    is_complex=True,
)


class Neuron(Base):
    """Resonators that fire at a threshold, of complex currents: `RFIzhikevich`.

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
