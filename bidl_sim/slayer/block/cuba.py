"""Blocks of lava-dl. Current-based leaky neurons: `CUBA`."""

from bidl_sim.slayer.block.kinds import blocks
from bidl_sim.slayer.neuron.cuba import FAMILY

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
