"""The event engine: a whole network as one compiled loop that follows spikes, on the CPU."""

from bidl_sim.engines.event.engine import EventEngine

__all__ = ["EventEngine"]
