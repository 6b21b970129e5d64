"""Neurons of lava-dl: ``neuron.cuba.Neuron(threshold=1.0, current_decay=0.5, ...)``."""

from bidl_sim.slayer.neuron import adrf, adrf_iz, alif, cuba, norm, rf, rf_iz, sigma_delta
from bidl_sim.slayer.neuron.dropout import Dropout

__all__ = [
    "Dropout",
    "adrf",
    "adrf_iz",
    "alif",
    "cuba",
    "norm",
    "rf",
    "rf_iz",
    "sigma_delta",
]
