"""Blocks of lava-dl. Resonators that fire at a phase: `RF`."""

from bidl_sim.slayer.block.kinds import blocks
from bidl_sim.slayer.neuron.rf import FAMILY

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
