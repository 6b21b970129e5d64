"""Blocks of lava-dl. Leaky neurons with an adaptive threshold: `ALIF`."""

from bidl_sim.slayer.block.kinds import blocks
from bidl_sim.slayer.neuron.alif import FAMILY

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
