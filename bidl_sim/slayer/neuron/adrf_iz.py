"""Adaptive resonators that fire at a threshold: `ADRFIzhikevich`."""

from bidl_sim.processes import ADRFIzhikevich
from bidl_sim.slayer.neuron.device import neuron_params
from bidl_sim.slayer.neuron.neuron import Neuron as Base
from bidl_sim.slayer.neuron.resonant import ResonantFamily

__all__ = ["FAMILY", "Neuron", "neuron_params"]

FAMILY = ResonantFamily(
    "adrf_iz",
    ADRFIzhikevich,
    ("period", "decay", "threshold_decay", "refractory_decay"),
    fixed=("threshold", "threshold_step"),
    is_complex=True,
)


class Neuron(Base):
    """Adaptive resonators that fire at a threshold, of complex currents: `ADRFIzhikevich`.

    Parameters
    ----------
    threshold : > 0
    threshold_step
    period : steps, >= 4
    decay, threshold_decay, refractory_decay : in [0, 1]
    log_init : default True
        Of a pair of periods, spread the channels' evenly in their logarithm, else at random.
    others
        See `Family`.
    """

    family = FAMILY
