"""Networks made of other processes: blocks to build with, and whole architectures.

Each function returns a `Network`, which is itself a process: it is nested, trained, saved and
verified like any other.
"""

if __name__ != "bidl_sim.processes.networks":
    raise ImportError("import bidl_sim.processes.networks, not processes.networks")

from bidl_sim.processes.networks.causal_conv import causal_conv
from bidl_sim.processes.networks.detection import detection_head, detector
from bidl_sim.processes.networks.parallel import parallel
from bidl_sim.processes.networks.residual import basic_block, bottleneck_block, resnet
from bidl_sim.processes.networks.tcja import tcja
from bidl_sim.processes.networks.temporal_attention import temporal_attention
from bidl_sim.processes.networks.transformer import (
    spikformer,
    spiking_self_attention,
    transformer_block,
)

__all__ = [
    "basic_block",
    "bottleneck_block",
    "causal_conv",
    "detection_head",
    "detector",
    "parallel",
    "resnet",
    "spikformer",
    "spiking_self_attention",
    "tcja",
    "temporal_attention",
    "transformer_block",
]
