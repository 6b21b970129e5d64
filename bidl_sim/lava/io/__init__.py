"""What brings values to a network and takes them from it."""

from bidl_sim.lava.io import dataloader, encoder, reset, sink, source
from bidl_sim.lava.io.adapter import BiasWriter, InputAdapter, OutputAdapter
from bidl_sim.lava.io.dataloader import InputLoader
from bidl_sim.lava.io.sink import OutputReader

__all__ = [
    "BiasWriter",
    "InputAdapter",
    "InputLoader",
    "OutputAdapter",
    "OutputReader",
    "dataloader",
    "encoder",
    "reset",
    "sink",
    "source",
]
