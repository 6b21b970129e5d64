"""Blocks of lava-dl, by family of neurons: ``block.cuba.Dense(neuron_params, 10, 20)``."""

from bidl_sim.slayer.block import adrf, adrf_iz, alif, cuba, rf, rf_iz, sigma_delta

__all__ = ["adrf", "adrf_iz", "alif", "cuba", "rf", "rf_iz", "sigma_delta"]
