"""Current-based leaky neurons: `CUBA`."""

from bidl_sim.processes import CUBA
from bidl_sim.slayer.neuron.device import neuron_params
from bidl_sim.slayer.neuron.leaky import CurrentFamily
from bidl_sim.slayer.neuron.neuron import Neuron as Base

__all__ = ["FAMILY", "Neuron", "neuron_params"]

FAMILY = CurrentFamily(
    "cuba",
    CUBA,
    ("current_decay", "voltage_decay"),
)


class Neuron(Base):
    """Current-based leaky neurons: `CUBA`.

    Parameters
    ----------
    threshold : > 0
    current_decay, voltage_decay : in [0, 1]
    others
        See `Family`.
    """

    family = FAMILY
