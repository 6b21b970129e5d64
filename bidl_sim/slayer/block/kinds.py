"""The blocks of one family of neurons."""

from __future__ import annotations

from bidl_sim.slayer.block.affine import Affine, Output
from bidl_sim.slayer.block.block import Block
from bidl_sim.slayer.block.layers import Conv, ConvT, Dense, Pool, Unpool
from bidl_sim.slayer.block.plain import Average, Flatten, Input, TimeDecimation
from bidl_sim.slayer.block.recurrent import KWTA, Recurrent
from bidl_sim.slayer.neuron.family import Family

KINDS: tuple[type[Block], ...] = (
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
)


def blocks(family: Family) -> dict[str, type[Block]]:
    """Every kind of block for this family, by name."""
    module = f"bidl_sim.slayer.block.{family.name}"
    return {
        kind.__name__: type(
            kind.__name__,
            (kind,),
            {"family": family, "__module__": module, "__doc__": kind.__doc__},
        )
        for kind in KINDS
    }
