"""The torch engine: batched, differentiable, on any device, both schedules."""

from bidl_sim.engines.torch.engine import Lowered, Result, TorchEngine
from bidl_sim.engines.torch.unit import Mode

__all__ = ["Lowered", "Mode", "Result", "TorchEngine"]
