"""Sums of differences and their changes: `SigmaDelta`."""

from bidl_sim.processes import SigmaDelta
from bidl_sim.slayer.neuron.device import neuron_params
from bidl_sim.slayer.neuron.difference import DifferenceFamily
from bidl_sim.slayer.neuron.neuron import Neuron as Base

__all__ = ["FAMILY", "Neuron", "neuron_params"]

FAMILY = DifferenceFamily(
    "sigma_delta",
    SigmaDelta,
    ("threshold",),
    fixed=("activation",),
    shifts=False,
)


class Neuron(Base):
    """Sums of differences and their changes: `SigmaDelta`.

    Parameters
    ----------
    threshold : >= 0
    activation : function
        relu, identity, tanh or sigmoid of torch, or its name.
    cum_error : default False
        See `SigmaDelta`.
    others
        See `Family`.
    """

    family = FAMILY
