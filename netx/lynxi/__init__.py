"""Networks for the Lynxi chip: what its compiler takes, and its runtime. Not verified on hardware.

Nothing here was compiled by the vendor's tools or has run on a chip.
"""

from bidl_sim.netx.lynxi.deployed import host
from bidl_sim.netx.lynxi.manifest import check
from bidl_sim.netx.lynxi.write import export

__all__ = ["check", "export", "host"]
