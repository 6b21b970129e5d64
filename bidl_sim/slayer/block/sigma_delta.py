"""Blocks of lava-dl. Sums of differences and their changes: `SigmaDelta`."""

from bidl_sim.slayer.block.kinds import blocks
from bidl_sim.slayer.neuron.sigma_delta import FAMILY

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
