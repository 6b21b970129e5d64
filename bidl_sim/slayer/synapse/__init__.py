"""Synapses of lava-dl: ``synapse.Dense(10, 20)``, ``synapse.complex.Dense(10, 20)`` for pairs."""

from bidl_sim.slayer.synapse import complex, layer  # noqa: A004  # the word users write
from bidl_sim.slayer.synapse.layer import Conv, ConvTranspose, Dense, Pool, Unpool

__all__ = ["Conv", "ConvTranspose", "Dense", "Pool", "Unpool", "complex", "layer"]
