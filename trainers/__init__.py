"""Training: the network unrolled over time in torch, and written back."""

if __name__ != "bidl_sim.trainers":
    raise ImportError("import bidl_sim.trainers, not trainers")

from bidl_sim.engines.torch.unroll import Carry, Unroll
from bidl_sim.trainers.augment import Augment
from bidl_sim.trainers.bptt import Trainer
from bidl_sim.trainers.config import OptimizerConfig, SchedulerConfig, TrainConfig
from bidl_sim.trainers.experiment import Experiment, load_experiment
from bidl_sim.trainers.losses import (
    CrossEntropy,
    FiringRate,
    MSERate,
    SpikeCount,
    SpikeMax,
    SpikeMoid,
    SpikeRate,
    SpikeTime,
)
from bidl_sim.trainers.training import train, train_and_export

__all__ = [
    "Augment",
    "Carry",
    "CrossEntropy",
    "Experiment",
    "FiringRate",
    "MSERate",
    "OptimizerConfig",
    "SchedulerConfig",
    "SpikeCount",
    "SpikeMax",
    "SpikeMoid",
    "SpikeRate",
    "SpikeTime",
    "TrainConfig",
    "Trainer",
    "Unroll",
    "load_experiment",
    "train",
    "train_and_export",
]
