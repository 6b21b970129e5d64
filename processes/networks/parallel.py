"""Several branches from one input."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from bidl_sim.core.network import Network
from bidl_sim.core.process import Process
from bidl_sim.errors import GraphError
from bidl_sim.processes.transforms.add import Add

Make: TypeAlias = Callable[[], Process]
"""Makes a population for a place in a network: ``LIF``, or ``partial(LIF, alpha=0.9)``."""


def parallel(*branches: Process, join: Process | None = None, name: str | None = None) -> Network:
    """The same input through several branches, which meet again.

    ::

                ┌── branch 1 ──┐
        s_in ───┼── branch 2 ──┼── join ── a_out
                └── branch 3 ──┘

    Parameters
    ----------
    *branches
        Processes or networks, at least two; ``Add()`` passes the input on as it is.
    join
        Where they meet: ``Add()``, their sum, unless given; ``Concat(3)``, one after another along
        the channel; ``Multiply()``, the product of two; or another process with one InPort, or
        with one for each branch.
    name
        Within the enclosing network.

    Examples
    --------
    >>> from bidl_sim.processes import Concat, Conv2d
    >>> parallel(Conv2d(4, 8, 1), Conv2d(4, 8, 3, padding=1), join=Concat(2), name="inception")
    Network 'inception'(4 processes)
    """
    join = join or Add()
    ports = list(join.in_ports.values())
    if len(branches) < 2 or len(ports) not in (1, len(branches)):
        raise GraphError(
            "parallel",
            f"{len(branches)} branches do not meet in {join.label}, which has {len(ports)} inputs",
            "it needs two branches or more, and one input, or one for each",
        )
    net = Network(name=name)
    enter = net.add(Add(), "enter")
    for branch in branches:
        net.connect(enter, net.add(branch))
    net.add(join, "join")
    for number, branch in enumerate(branches):
        net.connect(branch, ports[number % len(ports)])
    net.expose(enter.s_in)
    net.expose(next(iter(join.out_ports.values())))
    return net
