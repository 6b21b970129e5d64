"""How much work a network is, process by process, under NeuroBench's names."""

from bidl_sim.metrics.work import Work
from bidl_sim.metrics.workload import Workload

__all__ = ["Work", "Workload"]
