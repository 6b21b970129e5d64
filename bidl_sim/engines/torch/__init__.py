"""The torch engine: batched, differentiable, on any device, both schedules."""

from bidl_sim.engines.torch.engine import Lowered, Result, TorchEngine
from bidl_sim.engines.torch.fused import KERNELS
from bidl_sim.engines.torch.unit import Mode

__all__ = ["KERNELS", "Lowered", "Mode", "Result", "TorchEngine"]
