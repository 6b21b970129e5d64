"""Networks from lava-dl's files, as processes."""

from bidl_sim.lava.netx import blocks, hdf5

__all__ = ["blocks", "hdf5"]
