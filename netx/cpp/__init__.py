"""Networks as C++ programs that need nothing but a C++17 compiler."""

from bidl_sim.netx.cpp.project import export

__all__ = ["export"]
