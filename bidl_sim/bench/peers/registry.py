"""All peers; a new one is a file beside this and a name here."""

from __future__ import annotations

from bidl_sim.bench.peers import brainpy, brian2, nengo, nest, norse, snntorch, spikingjelly, spyx

SIMULATORS = (*brian2.PEERS, *nest.PEERS, brainpy.PEER, nengo.PEER)
TRAINERS = (snntorch.PEER, spikingjelly.PEER, *norse.PEERS, spyx.PEER)
