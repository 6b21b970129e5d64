"""The torch engine: batched, differentiable, on any device, both schedules."""

from bidl_sim.engines.torch.engine import Result, TorchEngine
from bidl_sim.engines.torch.unit import Mode

__all__ = ["Mode", "Result", "TorchEngine"]
