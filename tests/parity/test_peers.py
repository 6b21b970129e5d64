"""Where other simulators and trainers are installed: they do the same works as ours."""

from __future__ import annotations

import importlib
import os

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.bench import networks
from bidl_sim.bench.peers import registry
from bidl_sim.processes import Poisson

os.environ.setdefault("PYNEST_QUIET", "1")

pytestmark = pytest.mark.filterwarnings("ignore")  # what other libraries warn of is theirs

MODULES = {"nest-simulator": "nest", "spikingjelly": "spikingjelly.activation_based"}


def peer(name: str):
    """The peer, or skip the test."""
    found = next(p for p in (*registry.SIMULATORS, *registry.TRAINERS) if p.name == name)
    pytest.importorskip(MODULES.get(found.package, found.package))
    return found


def counted(net: Network, steps: int) -> int:
    """Our spikes, in double precision as most others compute."""
    sim = Simulator(net, engine="event", dtype="float64")
    probes = [sim.probe(f"{k}.s_out") for k, p in net.processes.items() if hasattr(p, "v_th")]
    sim.run(steps=steps, progress=False)
    return sum(len(p.events) for p in probes)


def silent_brunel() -> Network:
    """Two neurons of three begin above the threshold; no random input."""
    net = networks.brunel(1250)
    for process in net.processes.values():
        if isinstance(process, Poisson):
            process.rate = np.zeros(())
        elif hasattr(process, "v_th"):
            process.initial = {"v": 3 * process.initial["v"] - 20}
    return net


@pytest.mark.parametrize("name", ["brian2", "brian2-cython", "nest", "nest-2-threads", "nengo"])
def test_the_chain_has_the_same_spikes_in_double_precision(name) -> None:
    """Sums may round otherwise: a spike in ten thousand may move across the end."""
    net = networks.chain()
    took = peer(name).prepare("chain", net, 200).run()
    assert took.spikes == pytest.approx(counted(net, 200), rel=1e-4)


def test_brainpy_has_the_spikes_of_the_chain_but_for_single_precision() -> None:
    net = networks.chain()
    assert peer("brainpy").prepare("chain", net, 200).run().spikes == pytest.approx(
        counted(net, 200), rel=1e-3
    )


def test_brian2_has_the_same_spikes_of_cuba() -> None:
    """Equal until rounding tells, which takes longer than this."""
    net = networks.cuba(1000)
    assert peer("brian2").prepare("cuba", net, 1000).run().spikes == counted(net, 1000)


@pytest.mark.parametrize("name", ["nest", "brainpy", "nengo"])
def test_cuba_fires_alike_where_a_step_is_another(name) -> None:
    """Chaos makes it another sample: our counts have a standard deviation of 4.5 % over seeds.

    The bound is three times that of the difference of two.
    """
    net = networks.cuba(2000)
    took = peer(name).prepare("cuba", net, 2000).run()
    assert took.spikes == pytest.approx(counted(net, 2000), rel=3 * 0.045 * np.sqrt(2))


@pytest.mark.parametrize("name", ["brian2", "nest", "brainpy"])
def test_brunel_without_noise_has_the_same_spikes(name) -> None:
    """Delays, decay, refractory time and the order in a step are the same."""
    net = silent_brunel()
    spikes = counted(net, 100)
    assert spikes > 830
    assert peer(name).prepare("brunel", net, 100).run().spikes == spikes


@pytest.mark.parametrize("name", ["brian2", "nest", "brainpy"])
def test_brunel_fires_alike(name) -> None:
    """Other random numbers: ours give 66 Hz in 0.2 s, standard deviation 5.8; three of them."""
    net = networks.brunel(1250)
    took = peer(name).prepare("brunel", net, 2000).run()
    assert took.spikes / 1250 / 0.2 == pytest.approx(66.0, abs=3 * 5.8)


def test_a_peer_begins_anew_in_each_run() -> None:
    ready = peer("nest").prepare("chain", networks.chain(), 50)
    assert ready.run().spikes == ready.run().spikes


def common_lif(x: torch.Tensor) -> torch.Tensor:
    """V <- 0.8 v + x, a spike from 1 on, then 0."""
    v, spikes = torch.zeros_like(x[0]), []
    for now in x:
        v = 0.8 * v + now
        spikes.append((v >= 1).to(x))
        v = torch.where(v >= 1, 0.0, v)
    return torch.stack(spikes)


@pytest.mark.parametrize("name", ["snntorch", "spikingjelly", "norse"])
def test_the_neurons_of_trainers_are_the_common_one(name) -> None:
    """In double precision, where their other order of operations moves no spike of these."""
    peer(name)
    module = importlib.import_module(f"bidl_sim.bench.peers.{name}")
    neuron = (module.Neuron(False) if name == "norse" else module.Neuron()).double()
    x = torch.randn(50, 2, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(neuron(x), common_lif(x))


@pytest.mark.parametrize("name", ["snntorch", "spikingjelly", "norse", "spyx"])
def test_a_training_step_runs(name, monkeypatch) -> None:
    """Its layers, on fewer samples and steps."""
    small = torch.rand(1, 3, 2, 40, 40)
    for module in ("torch_step", "spyx"):
        monkeypatch.setattr(f"bidl_sim.bench.peers.{module}.inputs", lambda work: small)
    took = peer(name).prepare("convlif").run()
    assert took.seconds > 0
    assert took.spikes is None
