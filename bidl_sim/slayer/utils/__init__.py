"""What a training loop needs around a network."""

from bidl_sim.slayer.utils import filter, stats, time  # noqa: A004  # the word users write
from bidl_sim.slayer.utils.assistant import Assistant
from bidl_sim.slayer.utils.quantization import quantize, quantize_hook_fx
from bidl_sim.slayer.utils.stats import LearningStat, LearningStats
from bidl_sim.slayer.utils.tensors import diagonal_mask, event_rate

__all__ = [
    "Assistant",
    "LearningStat",
    "LearningStats",
    "diagonal_mask",
    "event_rate",
    "filter",
    "quantize",
    "quantize_hook_fx",
    "stats",
    "time",
]
