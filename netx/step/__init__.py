"""The step graph: one timestep of a network in plain tensor operations, for other runtimes."""

from bidl_sim.netx.step.draw import dot
from bidl_sim.netx.step.fold import folded
from bidl_sim.netx.step.graph import Node, SavedState, StepGraph, Tensor
from bidl_sim.netx.step.lower import step_graph

__all__ = ["Node", "SavedState", "StepGraph", "Tensor", "dot", "folded", "step_graph"]
