"""Leaky neurons with an adaptive threshold: `ALIF`."""

from bidl_sim.processes import ALIF
from bidl_sim.slayer.neuron.device import neuron_params
from bidl_sim.slayer.neuron.leaky import LeakyFamily
from bidl_sim.slayer.neuron.neuron import Neuron as Base

__all__ = ["FAMILY", "Neuron", "neuron_params"]

FAMILY = LeakyFamily(
    "alif",
    ALIF,
    ("current_decay", "voltage_decay", "threshold_decay", "refractory_decay"),
    fixed=("threshold", "threshold_step"),
)


class Neuron(Base):
    """Leaky neurons with an adaptive threshold: `ALIF`.

    Parameters
    ----------
    threshold : > 0
    threshold_step
    current_decay, voltage_decay, threshold_decay, refractory_decay : in [0, 1]
    others
        See `Family`.
    """

    family = FAMILY
