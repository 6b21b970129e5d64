"""Triton's kernels against the eager step; `test_triton.py` starts these tests in a process of
their own, with TRITON_INTERPRET=1 on tensors of the CPU, without it on a GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from cases import Case
from populations import alone, compare, is_eager, neurons

from bidl_sim import Network, Simulator
from bidl_sim.core.trace import gradient
from bidl_sim.core.trace.triton import CHUNK
from bidl_sim.engines.torch import kernels
from bidl_sim.engines.torch.triton_step import WIDTH, TritonStep
from bidl_sim.processes import LIF, Input
from bidl_sim.trainers import Unroll

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
NEURONS = pytest.mark.parametrize("case", neurons(), ids=lambda c: c.name)
BOUNDS = {torch.float32: 2e-5, torch.float64: 1e-11}
"""Sums over neurons and ``exp`` may round otherwise."""


def in_numpy(function):
    """A function of libdevice, which the interpreter has not."""

    def call(x):
        import triton.language as tl

        values = function(x.handle.data).astype(x.handle.data.dtype)
        return tl.tensor(type(x.handle)(values, x.handle.dtype), x.type)

    return call


@pytest.fixture(autouse=True)
def triton_everywhere(monkeypatch) -> Iterator[None]:
    if not INTERPRETED:
        yield
        return
    from scipy.special import erf
    from triton.language.extra import libdevice

    monkeypatch.setitem(kernels.COMPILERS, "cpu", (TritonStep, str))
    functions = {"exp": np.exp, "atan": np.arctan, "tanh": np.tanh, "erf": erf}
    functions |= {"floor": np.floor, "rint": np.rint}
    for name, function in functions.items():
        monkeypatch.setattr(libdevice, name, in_numpy(function))
    with np.errstate(divide="ignore", invalid="ignore"):  # of lanes that nothing is stored from
        yield


@NEURONS
@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
def test_kernels_equal_the_eager_step(case: Case, dtype: torch.dtype) -> None:
    compare(case, dtype, BOUNDS[dtype], DEVICE)


def test_every_neuron_of_the_library_has_kernels() -> None:
    for case in neurons():
        process = case.make()
        step = kernels.fused_step(process, True, (), DEVICE)
        assert isinstance(step, type(None) if is_eager(process) else TritonStep), case.name


def results(model: Unroll, x: torch.Tensor) -> list[torch.Tensor]:
    x = x.to(DEVICE).clone(memory_format=torch.preserve_format).requires_grad_()
    y, seen, _ = model.to(DEVICE).advance(x, record=["lif1.v"])
    weights = torch.linspace(-1, 1, y.numel(), device=DEVICE).view_as(y)
    (weights * (y + seen["lif1.v"])).sum().backward()
    return [y, seen["lif1.v"], x.grad, *(p.grad for p in model.parameters())]


@pytest.mark.parametrize("steps", [1, CHUNK - 1, CHUNK, 2 * CHUNK + 3])
def test_programs_and_chunks_that_are_not_full(steps: int) -> None:
    """Neither neurons nor steps need be a multiple of anything."""
    shape = (2, 5, WIDTH // 16 + 1)
    values = torch.tensor(np.random.default_rng(0).normal(0.2, 0.6, (3, steps, *shape)))
    threshold = np.random.default_rng(1).uniform(0.3, 0.5, shape)
    net = Network.sequential(Input(shape), LIF(alpha=[0.2, 0.9], v_th=threshold, learn=True))
    one, two = (
        results(Unroll(net, dtype=torch.float64, kernels=kind), values)
        for kind in ("eager", "fused")
    )
    for eager, fused in zip(one, two, strict=True):
        torch.testing.assert_close(fused, eager, atol=1e-11, rtol=1e-11)  # sums of 500 neurons


@pytest.mark.parametrize("shape", [(3,), (16, 9), (16, 16)])
def test_batch_first_and_time_first_memory_give_the_same(shape) -> None:
    values = torch.tensor(np.random.default_rng(1).normal(0.2, 0.6, (4, 11, *shape)))
    net = Network.sequential(
        Input(shape), LIF(alpha=np.linspace(0.1, 0.9, shape[0]), v_th=0.4, learn=True)
    )
    time_first = values.transpose(0, 1).contiguous().transpose(0, 1)
    model = Unroll(net, dtype=torch.float64, kernels="eager")
    wanted = results(model, values)
    for x in (values, time_first):
        found = results(Unroll(net, dtype=torch.float64, kernels="fused"), x)
        for eager, fused in zip(wanted, found, strict=True):
            torch.testing.assert_close(fused, eager, atol=1e-11, rtol=1e-11)  # sums of neurons


@pytest.mark.parametrize("name", ["LIF", "LIAF-leaked", "CurrentLIF", "Shifting"])
def test_simulation_gives_the_same_spikes_and_probes(name: str) -> None:
    case = next(c for c in neurons() if c.name == name)
    population = case.make()
    net = alone(case, population)
    values = np.random.default_rng(3).normal(0.3, 0.5, (4, 19, *case.shape))
    found = []
    for kind in ("eager", "fused"):
        sim = Simulator(net, dtype="float64", kernels=kind, device=DEVICE)
        path = next(n for n, p in net.processes.items() if p is population)
        probes = [sim.probe(f"{path}.{s}") for s in population.states(False)]
        found.append([sim.run(values), *(p.data for p in probes), *sim.state_dict().values()])
    for eager, fused in zip(*found, strict=True):
        np.testing.assert_allclose(fused, eager, atol=1e-12)  # of exp, the last bits


@pytest.mark.parametrize("op", ["*", "-", "fire"])
def test_a_wrong_gradient_would_be_caught(op, monkeypatch) -> None:
    case = next(c for c in neurons() if c.name == "LIF-learned-hard-full")
    compare(case, torch.float64, BOUNDS[torch.float64], DEVICE)
    right = gradient.RULES[op]

    def wrong(node, g):
        return tuple(part if part is None else part * 1.01 for part in right(node, g))

    monkeypatch.setitem(gradient.RULES, op, wrong)
    with pytest.raises(AssertionError, match="gradient of"):
        compare(case, torch.float64, BOUNDS[torch.float64], DEVICE)


def test_a_wrong_kernel_would_be_caught(monkeypatch) -> None:
    right = TritonStep.run_forward

    def one_spike_wrong(self, call):
        right(self, call)
        call.sequences[0][3, 0, 1] = 1 - call.sequences[0][3, 0, 1]

    monkeypatch.setattr(TritonStep, "run_forward", one_spike_wrong)
    with pytest.raises(AssertionError, match="first"):
        compare(Case("LIF", LIF), torch.float64, BOUNDS[torch.float64], DEVICE)


def test_states_are_kept_once_a_chunk_and_only_for_a_backward_pass(monkeypatch) -> None:
    right, kept = TritonStep.run_forward, []

    def watched(self, call):
        kept.append([tuple(x.shape) for x in call.marks])
        right(self, call)

    monkeypatch.setattr(TritonStep, "run_forward", watched)
    model = Unroll(Network.sequential(Input(5), LIF(learn=True)), kernels="fused").to(DEVICE)
    x = torch.ones(3, 2 * CHUNK + 1, 5, device=DEVICE)
    model(x)
    with torch.no_grad():
        model(x)
    assert kept == [[(3, 3, 5)], []]
