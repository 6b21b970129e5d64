"""Blocks of lava-dl. Leaky neurons with an adaptive threshold: `ALIF`."""

from bidl_sim.slayer.block.kinds import blocks
from bidl_sim.slayer.neuron.alif import FAMILY

_BLOCKS = blocks(FAMILY)

Input = _BLOCKS["Input"]
Dense = _BLOCKS["Dense"]
Conv = _BLOCKS["Conv"]
ConvT = _BLOCKS["ConvT"]
Pool = _BLOCKS["Pool"]
Unpool = _BLOCKS["Unpool"]
Recurrent = _BLOCKS["Recurrent"]
KWTA = _BLOCKS["KWTA"]
Affine = _BLOCKS["Affine"]
Output = _BLOCKS["Output"]
Flatten = _BLOCKS["Flatten"]
Average = _BLOCKS["Average"]
TimeDecimation = _BLOCKS["TimeDecimation"]
