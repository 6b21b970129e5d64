"""Blocks of lava-dl. Leaky neurons with an adaptive threshold: `ALIF`."""

from bidl_sim.processes import ALIF
from bidl_sim.slayer.block.family import LeakyFamily
from bidl_sim.slayer.block.kinds import blocks

FAMILY = LeakyFamily(
    "alif",
    ALIF,
    ("current_decay", "voltage_decay", "threshold_decay", "refractory_decay"),
    fixed=("threshold", "threshold_step"),
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
