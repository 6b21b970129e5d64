"""Exchange: networks in files, and the runtimes that execute them."""

if __name__ != "bidl_sim.netx":
    raise ImportError("import bidl_sim.netx, not netx")

from bidl_sim.netx.export import export
from bidl_sim.netx.formats import load, save
from bidl_sim.netx.info import info
from bidl_sim.netx.modules.network import from_torch
from bidl_sim.netx.quantize import quantize
from bidl_sim.netx.runtime import Runtime
from bidl_sim.netx.verify import verify

__all__ = ["Runtime", "export", "from_torch", "info", "load", "quantize", "save", "verify"]
