"""What holds for every process in the registry."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cases import (
    ALONE,
    CASES,
    DRAWN,
    DRAWN_IN_TRAINING,
    FED,
    SAVED,
    Case,
    inputs,
    library_types,
)

from bidl_sim import Network, Simulator, netx
from bidl_sim.netx.verify import verify_networks
from bidl_sim.processes import ArraySource, Callback, Input, Poisson, SpikeSource
from bidl_sim.trainers import Unroll


def every(cases: list[Case]):
    return pytest.mark.parametrize("case", cases, ids=lambda c: c.name)


ALL = every(CASES)


def run(network: Network, values, steps: int = 12, **options):
    """Outputs as one array, and the simulator."""
    sim = Simulator(network, dtype="float64", **options)
    out = sim.run(values) if values is not None else sim.run(steps=steps)
    return out, sim


def test_every_type_is_in_every_suite_that_can_apply() -> None:
    """Suites leave out what has no input, or what no file can hold, and nothing else."""
    types = set(library_types())
    assert {type(case.make()) for case in CASES} == types
    assert types - {type(case.make()) for case in FED} == {ArraySource, Poisson, SpikeSource}
    assert types - {type(case.make()) for case in SAVED} == {Callback}


@ALL
def test_a_case_shows_something(case: Case, rng) -> None:
    """Neither silence nor one value throughout, on which all runs would agree."""
    network = case.network()
    out, _ = run(network, inputs(network, rng))
    assert len(np.unique(out)) > 1


@ALL
def test_every_runtime_gives_the_same_spikes(case: Case, rng) -> None:
    network = case.network()
    report = verify_networks(case.name, network, {}, inputs(network, rng))
    assert report.ok, f"\n{report}"
    assert all(line.startswith(("onnxruntime in", "lynxi-")) for line in report.left_out)
    assert {"compiled kernels", "event engine"} <= {row.runtime for row in report.rows}


@every(SAVED)
def test_a_saved_network_is_the_same_network(case: Case, rng, tmp_path) -> None:
    network = case.network()
    netx.save(network, tmp_path / "a.net", metadata={"note": case.name})
    loaded = netx.load(tmp_path / "a.net")
    for name, process in network.processes.items():
        other = loaded.processes[name]
        assert type(other) is type(process)
        assert other.options() == process.options()
        assert other.learned == process.learned
        assert other.left_out == process.left_out
        for parameter, value in process.parameters().items():
            again = other.parameters()[parameter]
            assert again.dtype == value.dtype
            np.testing.assert_array_equal(again, value)
        for state, value in (process.initial or {}).items():
            np.testing.assert_array_equal((other.initial or {})[state], value)
    netx.save(loaded, tmp_path / "b.net", metadata={"note": case.name})
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "b.net").read_bytes()
    report = verify_networks(case.name, network, {"reloaded": loaded}, inputs(network, rng))
    assert report.ok, f"\n{report}"


@ALL
def test_reset_restores_the_declared_state(case: Case, rng) -> None:
    network = case.network()
    values = inputs(network, rng)
    first, sim = run(network, values)
    after = sim.state_dict()
    sim.reset()
    again = sim.run(values) if values is not None else sim.run(steps=12)
    np.testing.assert_array_equal(first, again)
    for path, value in sim.state_dict().items():
        np.testing.assert_array_equal(value, after[path])


@ALL
def test_a_run_in_pieces_is_one_run(case: Case, rng) -> None:
    network = case.network()
    values = inputs(network, rng)
    whole, _ = run(network, values)
    sim = Simulator(network, dtype="float64")
    if values is None:
        parts = [sim.run(steps=5), sim.run(steps=7)]
        joined = np.concatenate(parts)
    else:
        parts = [sim.run(values[:, :5]), sim.run(values[:, 5:])]
        joined = np.concatenate(parts, 1)
    # sums over another batch size may round otherwise, a spike in float64 may not
    np.testing.assert_allclose(joined, whole, atol=1e-12)


@every(FED)
def test_a_batch_of_three_is_three_runs(case: Case, rng) -> None:
    network = case.network()
    values = inputs(network, rng)
    whole, _ = run(network, values)
    for k in range(3):
        single, _ = run(network, values[k])
        np.testing.assert_allclose(single, whole[k], atol=1e-12)


@every([case for case in ALONE if case not in DRAWN])  # each sample draws numbers of its own
def test_a_source_sends_the_same_to_each_sample_of_a_batch(case: Case, rng) -> None:
    network = case.network()
    network.connect(network.add(Input(5)), network.processes["after"])
    values = inputs(network, rng)
    whole, _ = run(network, values)
    for k in range(3):
        single, _ = run(network, values[k])
        np.testing.assert_allclose(single, whole[k], atol=1e-12)


@ALL
def test_a_restored_state_goes_on_identically(case: Case, rng) -> None:
    network = case.network()
    values = inputs(network, rng)
    if values is None:
        sim = Simulator(network)
        sim.run(steps=5)
        saved = sim.state_dict()
        rest = sim.run(steps=6)
        other = Simulator(network)
        other.load_state_dict(saved)
        np.testing.assert_array_equal(other.run(steps=6), rest)
        return
    sim = Simulator(network)
    sim.run(values[:, :5])
    saved = sim.state_dict()
    rest = sim.run(values[:, 5:])
    other = Simulator(network)
    other.load_state_dict(saved)
    np.testing.assert_array_equal(other.run(values[:, 5:]), rest)


@ALL
def test_the_same_seed_gives_the_same_numbers(case: Case, rng) -> None:
    values = inputs(case.network(), rng)
    first, _ = run(case.network(seed=5), values, seed=2)
    second, _ = run(case.network(seed=5), values, seed=2)
    np.testing.assert_array_equal(first, second)


@every(DRAWN)
def test_another_seed_gives_other_numbers(case: Case, rng) -> None:
    values = inputs(case.network(), rng)
    first, _ = run(case.network(), values, seed=2)
    second, _ = run(case.network(), values, seed=3)
    assert (first != second).any()


@ALL
def test_the_seed_of_a_network_fixes_the_first_values_of_its_parameters(case: Case) -> None:
    one, same, other = (case.network(seed) for seed in (5, 5, 6))
    given = case.network().processes  # before a build draws the others
    drawn = [
        (name, parameter)
        for name, process in given.items()
        for parameter in process.param_specs
        if parameter not in process.parameters() and parameter not in process.left_out
    ]
    for network in (one, same, other):
        network.build()
    for name, parameter in drawn:
        a, b, c = (getattr(net.processes[name], parameter) for net in (one, same, other))
        np.testing.assert_array_equal(a, b)
        constant = len(np.unique(a)) == 1  # ones, zeros
        assert constant or (a != c).any(), parameter


@every(DRAWN_IN_TRAINING)
def test_the_seed_of_torch_fixes_what_training_draws(case: Case, rng) -> None:
    model = Unroll(case.network(), dtype=torch.float64).train()
    x = torch.tensor(inputs(case.network(), rng))
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(model(x).detach())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@every(FED)
def test_both_schedules_train_alike(case: Case) -> None:
    """Outputs, gradients and running statistics of a training step, in float64."""
    found = []
    for schedule in ("process", "timestep"):
        network = case.network()
        values = inputs(network, np.random.default_rng(1))
        model = Unroll(network, schedule=schedule).double().train()
        torch.manual_seed(0)
        x = torch.tensor(values, requires_grad=True)
        y = model(x)
        if y.requires_grad:
            (y * torch.linspace(0, 1, y.numel(), dtype=y.dtype).view_as(y)).sum().backward()
        grads = {n: p.grad for n, p in model.named_parameters()}
        buffers = dict(model.named_buffers())
        found.append((y.detach(), x.grad, grads, buffers))
    (y0, g0, p0, b0), (y1, g1, p1, b1) = found
    torch.testing.assert_close(y1, y0, atol=1e-12, rtol=1e-12)
    if g0 is not None:
        torch.testing.assert_close(g1, g0, atol=1e-10, rtol=1e-10)
    for one, two in ((p0, p1), (b0, b1)):
        for name, value in one.items():
            torch.testing.assert_close(two[name], value, atol=1e-10, rtol=1e-10)
