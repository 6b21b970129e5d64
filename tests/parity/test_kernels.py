"""Compiled kernels against the eager step: spikes, states and gradients, for every neuron."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cases import Case
from populations import alone, compare, is_eager, neurons, train_once

from bidl_sim import Network, Simulator
from bidl_sim.core.process import Process
from bidl_sim.core.trace import gradient
from bidl_sim.engines.torch.fused import FusedStep
from bidl_sim.engines.torch.kernels import fused_step
from bidl_sim.processes import LIF, Dense, Input, TimeMean
from bidl_sim.trainers import Unroll

OF_TWO_KINDS = [c for c in neurons() if c.name in ("Adaptive", "LIF-learned-hard-full")]
NEURONS = pytest.mark.parametrize("case", neurons(), ids=lambda c: c.name)


@NEURONS
def test_kernels_equal_the_eager_step(case: Case) -> None:
    """Arithmetic alone is equal to the bit; sums over neurons and exp may round otherwise."""
    compare(case, torch.float64, 1e-11)


@pytest.mark.parametrize("case", OF_TWO_KINDS, ids=lambda c: c.name)
def test_kernels_in_single_precision(case: Case) -> None:
    compare(case, torch.float32, 2e-5)


@NEURONS
def test_simulation_gives_the_same_spikes_and_probes(case: Case) -> None:
    population = case.make()
    net = alone(case, population)
    values = np.random.default_rng(3).normal(0.3, 0.5, (4, 30, *case.shape))
    found = []
    for kernels in ("eager", "fused"):
        sim = Simulator(net, dtype="float64", kernels=kernels)
        name = next(n for n, p in net.processes.items() if p is population)
        probes = [sim.probe(f"{name}.{s}") for s in population.states(False)]
        found.append([sim.run(values), *(p.data for p in probes), *sim.state_dict().values()])
    for eager, fused in zip(*found, strict=True):
        np.testing.assert_allclose(fused, eager, atol=1e-12)


def test_every_neuron_of_the_library_has_kernels() -> None:
    for case in neurons():
        process = case.make()
        assert (fused_step(process, training=True) is None) == is_eager(process), case.name
        assert process.in_ports, case.name


def network(kernels: str) -> Unroll:
    net = Network.sequential(Input(6), Dense(6, 40), LIF(learn=True), Dense(40, 3), TimeMean())
    return Unroll(net, kernels=kernels, dtype=torch.float64)


def gradients_of(model: Unroll) -> torch.Tensor:
    x = torch.tensor(np.random.default_rng(0).normal(0.2, 1, (5, 20, 6)))
    (model(x) ** 2).sum().backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("op", ["*", "-", "fire"])
def test_a_wrong_gradient_would_be_caught(op, monkeypatch) -> None:
    right = gradients_of(network("eager"))
    torch.testing.assert_close(gradients_of(network("fused")), right, atol=1e-11, rtol=1e-11)

    def wrong(node, g):
        return tuple(part if part is None else part * 1.01 for part in gradient_rule(node, g))

    gradient_rule = gradient.RULES[op]
    monkeypatch.setitem(gradient.RULES, op, wrong)
    assert not torch.allclose(gradients_of(network("fused")), right, atol=1e-11, rtol=1e-11)


def test_a_wrong_kernel_would_be_caught(monkeypatch) -> None:
    right = FusedStep.forward

    def one_spike_wrong(self, *arguments):
        results, marks = right(self, *arguments)
        results[0][3, 0, 1] = 1 - results[0][3, 0, 1]
        return results, marks

    case = Case("LIF", LIF)
    eager = train_once(case, "eager", torch.float64)
    monkeypatch.setattr(FusedStep, "forward", one_spike_wrong)
    assert not torch.equal(train_once(case, "fused", torch.float64)["first"], eager["first"])


def test_many_neurons_in_several_blocks_and_threads() -> None:
    values = np.random.default_rng(0).normal(0.2, 0.6, (3, 7, 2, 31, 37))
    net = Network.sequential(
        Input((2, 31, 37)), LIF(alpha=[0.2, 0.9], v_th=np.full((2, 31, 37), 0.4), learn=True)
    )
    found = []
    for kernels in ("eager", "fused"):
        model = Unroll(net, dtype=torch.float64, kernels=kernels)
        x = torch.tensor(values, requires_grad=True)
        y = model(x)
        (y * torch.linspace(0, 1, y.numel()).view_as(y)).sum().backward()
        found.append([y, x.grad, *(p.grad for p in model.parameters())])
    for eager, fused in zip(*found, strict=True):
        torch.testing.assert_close(fused, eager, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("shape", [(40, 8), (20, 20)])
def test_batch_first_and_time_first_memory_give_the_same(shape) -> None:
    """Samples lie one after another as users give them; large ones are run where they lie."""
    values = torch.tensor(np.random.default_rng(1).normal(0.2, 0.6, (4, 11, *shape)))
    net = Network.sequential(
        Input(shape), LIF(alpha=np.linspace(0.1, 0.9, shape[0]), v_th=0.4, learn=True)
    )
    found = []
    for x in (values, values.transpose(0, 1).contiguous().transpose(0, 1)):
        for kernels in ("eager", "fused"):
            model = Unroll(net, dtype=torch.float64, kernels=kernels)
            given = x.clone(memory_format=torch.preserve_format).requires_grad_()
            y, seen, _ = model.advance(given, record=["lif1.v"])
            (y * torch.linspace(0, 1, y.numel()).view_as(y)).sum().backward()
            gradients = [p.grad for p in model.parameters()]
            found.append([y, given.grad, seen["lif1.v"], *gradients])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            torch.testing.assert_close(two, one, atol=1e-11, rtol=1e-11)


def test_a_loop_stays_with_the_eager_step() -> None:
    lif, back = LIF(5), Dense(5, 5)
    lif.s_out.connect(back.s_in, delay=1)
    back.a_out.connect(lif.a_in)
    source = Input(5)
    source.s_out.connect(lif.a_in)
    net = Network.of(lif)
    values = np.random.default_rng(0).normal(0.3, 0.5, (2, 10, 5))
    runs = [Simulator(net, dtype="float64", kernels=k).run(values) for k in ("eager", "fused")]
    np.testing.assert_array_equal(*runs)


def test_source_is_readable() -> None:
    text = LIF(n=3, reset="soft").source("numba-backward")
    assert text.startswith("def backward(")
    assert "grad_v" in text
    compile(text, "kernel", "exec")
    assert isinstance(LIF(n=3), Process)


@pytest.mark.parametrize("shape", [(5,), (300,)], ids=["time first", "batch first"])
@pytest.mark.parametrize("loss", ["sum", "rate"])
def test_a_gradient_that_is_the_same_in_all_steps(shape, loss) -> None:
    """As a loss on sums or rates sends it back, without a sequence of its own in memory."""
    found = []
    for kernels in ("eager", "fused"):
        population = LIF(alpha=0.8, learn=True)
        net = Network.sequential(Input(shape), population)
        model = Unroll(net, dtype="float64", kernels=kernels)
        x = torch.tensor(np.random.default_rng(5).normal(0.3, 0.5, (3, 9, *shape)))
        x.requires_grad_()
        y = model(x)
        scale = torch.linspace(-1, 1, y[:, 0].numel(), dtype=y.dtype).view_as(y[:, 0])
        (y.sum() if loss == "sum" else (y.mean(1) * scale).sum()).backward()
        found.append([x.grad, *(p.grad for p in model.parameters())])
    for eager, fused in zip(*found, strict=True):
        torch.testing.assert_close(fused, eager, atol=1e-11, rtol=1e-11)
