"""BrainPy: a step in JAX, compiled as a loop over all steps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bidl_sim.bench.peers.peer import Peer, Ready, Took
from bidl_sim.bench.peers.wiring import Wiring
from bidl_sim.core.network import Network
from bidl_sim.processes.io.poisson import cumulative


def cuba(net: Network, steps: int) -> Ready:
    """One group, a projection for each kind of synapse."""
    import brainpy as bp
    import brainpy.math as bm

    wiring = Wiring(net)
    bm.set_dt(0.1)

    class Cuba(bp.DynamicalSystem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            # half a step more: its clock is a float32
            rules = {"V_rest": -49.0, "V_th": -50.0, "V_reset": -60.0, "tau": 20.0}
            self.n = bp.dyn.LifRef(
                wiring.size, **rules, tau_ref=5.05, V_initializer=bm.asarray(wiring.v)
            )
            self.e, self.i = (
                bp.dyn.FullProjAlignPostMg(
                    pre=self.n,
                    delay=None,
                    comm=_rows(bp, wiring, source),
                    syn=bp.dyn.Expon.desc(wiring.size, tau=tau),
                    out=bp.dyn.CUBA.desc(),
                    post=self.n,
                )
                for source, tau in (("exc", 5.0), ("inh", 10.0))
            )

        def update(self) -> Any:
            self.e()
            self.i()
            return self.n()

    return _ready(Cuba, steps, "synaptic currents are constant in a step")


def brunel(net: Network, steps: int) -> Ready:
    """As `cuba`; a delay of its projections counts from the end of the step before."""
    import brainpy as bp
    import brainpy.math as bm

    wiring = Wiring(net)
    drive: Any = net.processes["exc_drive"]
    jump = float(drive.size)
    below = bm.asarray(cumulative(float(drive.rate)))  # several times faster than its Poisson
    bm.set_dt(0.1)

    class Brunel(bp.DynamicalSystem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            rules = {"V_rest": 0.0, "V_th": 20.0, "V_reset": 10.0, "tau": 20.0}
            self.n = bp.dyn.LifRef(
                wiring.size, **rules, tau_ref=2.05, V_initializer=bm.asarray(wiring.v)
            )
            self.n.add_inp_fun("drive", self.draw, category="delta")
            self.e, self.i = (
                bp.dyn.FullProjDelta(self.n, 1.6, _rows(bp, wiring, source), self.n)
                for source in ("exc", "inh")
            )

        def draw(self) -> Any:
            return jump * bm.searchsorted(below, bm.random.rand(wiring.size), side="right")

        def update(self) -> Any:
            self.e()
            self.i()
            return self.n()

    return _ready(Brunel, steps, "random numbers of its own")


def chain(net: Network, steps: int) -> Ready:
    """Written in its numpy, as a model that no class of its library is."""
    import brainpy as bp
    import brainpy.math as bm

    wiring = Wiring(net)
    bias = bm.asarray(wiring.v.reshape(10, 100), dtype=bm.float32)
    weights = bm.asarray(np.stack([s.weight.reshape(100, 100) for s in wiring.synapses]))

    class Chain(bp.DynamicalSystem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.v = bm.Variable(bm.zeros((10, 100)))
            self.s = bm.Variable(bm.zeros((10, 100)))

        def update(self) -> Any:
            arriving = bm.einsum("pi,pij->pj", self.s.value[:-1], weights)
            u = 0.9 * self.v.value + bias
            u = u.at[1:].add(arriving)
            fired = u > 1
            self.v.value = bm.where(fired, 0.0, u)
            self.s.value = fired.astype(float)
            return fired

        def reset_state(self, *_: Any, **__: Any) -> None:
            self.v.value = bm.zeros((10, 100))
            self.s.value = bm.zeros((10, 100))

    return _ready(Chain, steps)


def _rows(bp: Any, wiring: Wiring, source: str) -> Any:
    """Synapses of one weight from a population, as rows over all neurons."""
    offsets, targets, weight = wiring.joined(source).by_source(wiring.size)
    connector = bp.conn.CSRConn(targets, offsets)(wiring.size, wiring.size)
    return bp.dnn.EventCSRLinear(connector, float(weight[0]))


def _ready(make: Any, steps: int, note: str = "") -> Ready:
    """Spikes are kept as an array ``(steps, neurons)``."""
    import brainpy as bp
    import brainpy.math as bm

    began = time.perf_counter()
    system = make()
    times = np.arange(steps)
    loop = bm.jit(lambda indices: bm.for_loop(system.step_run, indices))

    loop.compile(times)

    def run() -> Took:
        began = time.perf_counter()
        bp.reset_state(system)
        ready = time.perf_counter()
        spikes = int(np.asarray(bm.as_jax(loop(times))).sum())
        return Took(time.perf_counter() - ready, spikes, before=ready - began)

    return Ready(run, time.perf_counter() - began, note)


PEER = Peer("brainpy", "brainpy", {"cuba": cuba, "brunel": brunel, "chain": chain})
