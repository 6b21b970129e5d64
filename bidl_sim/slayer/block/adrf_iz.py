"""Blocks of lava-dl. Adaptive resonators that fire at a threshold: `ADRFIzhikevich`."""

from bidl_sim.slayer.block.kinds import blocks
from bidl_sim.slayer.neuron.adrf_iz import FAMILY

(
    Input,
    Dense,
    Conv,
    ConvT,
    Pool,
    Unpool,
    Recurrent,
    KWTA,
    Affine,
    Output,
    Flatten,
    Average,
    TimeDecimation,
) = blocks(FAMILY)
