"""Blocks of lava-dl. Current-based leaky neurons: `CUBA`."""

from bidl_sim.processes import CUBA
from bidl_sim.slayer.block.family import CurrentFamily
from bidl_sim.slayer.block.kinds import blocks

FAMILY = CurrentFamily(
    "cuba",
    CUBA,
    ("current_decay", "voltage_decay"),
)
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
