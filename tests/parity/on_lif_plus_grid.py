"""Every combination of the options of LIF+, on every engine.

`test_lif_plus.py` starts these tests in a process of their own with NUMBA_DISABLE_JIT=1, where
Python runs the generated code of both kernels and the event engine. Compiled they take an hour:
``cd tests && PYTHONPATH=.. python -m pytest parity/on_lif_plus_grid.py``.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator, netx
from bidl_sim.processes import Dense, Input, LIFPlus
from bidl_sim.processes.neurons.lif_plus.options import STAGES
from bidl_sim.trainers import Unroll

GRID = [dict(zip(STAGES, names, strict=True)) for names in itertools.product(*STAGES.values())]
GROUPS = [GRID[k : k + 9] for k in range(0, len(GRID), 9)]
"""Of one decay, accumulation and trigger: nine populations in a network."""


def group_name(group: list[dict[str, str]]) -> str:
    return "-".join(group[0][stage] for stage in ("decay", "accumulation", "trigger"))


def network(group: list[dict[str, str]], rng) -> Network:
    net = Network()
    source, dense = net.add(Input(4)), net.add(Dense(4, 4, weight=rng.normal(0, 0.6, (4, 4))))
    net.connect(source, dense)
    for options in group:
        net.connect(dense, net.add(LIFPlus(learn=True, **options)))
    return net


def simulated(net: Network, engine: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Spikes, and the states at the end."""
    sim = Simulator(net, engine=engine, dtype="float64")
    spikes = sim.run(values, progress=False)
    return {**spikes, **sim.state_dict()}


def trained(net: Network, kernels: str, values: np.ndarray) -> tuple[dict, Unroll]:
    """Spikes and gradients of a step, and the module after it."""
    model = Unroll(net, dtype="float64", kernels=kernels).train()
    x = torch.tensor(values, requires_grad=True)
    spikes = model(x)
    sum((s * torch.linspace(-1, 1, s.numel()).view_as(s)).sum() for s in spikes.values()).backward()
    found = {"input": x.grad, **{n: p.grad.clone() for n, p in model.named_parameters()}}
    torch.optim.SGD(model.parameters(), lr=1e-3).step()
    return {**spikes, **found}, model


@pytest.mark.parametrize("group", GROUPS, ids=group_name)
def test_it_simulates_trains_and_exports(group, rng, tmp_path) -> None:
    net = network(group, rng)
    values = rng.normal(0.4, 0.4, (2, 20, 4))
    torch_engine, event_engine = (simulated(net, e, values) for e in ("torch", "event"))
    for path, value in torch_engine.items():
        if path.endswith(".s_out"):
            assert value.sum() > 0, path
            np.testing.assert_array_equal(event_engine[path], value, path)
        else:  # sums of inputs in another order
            np.testing.assert_allclose(event_engine[path], value, atol=1e-9, err_msg=path)

    before = {n: p.parameters() for n, p in net.processes.items()}
    eager, _ = trained(net, "eager", values)
    fused, model = trained(net, "fused", values)
    for name, value in eager.items():
        assert torch.isfinite(value).all(), name
        # the last bit of exp may differ, and grows with the potential
        torch.testing.assert_close(fused[name], value, atol=1e-9, rtol=1e-9, msg=name)
    model.write_back()
    for name, process in net.processes.items():
        old = before[name]
        moved = [n for n in process.learned if not np.array_equal(getattr(process, n), old[n])]
        assert moved or name == "input1", name

    netx.save(net, tmp_path / "a.net")
    loaded = netx.load(tmp_path / "a.net")
    for engine in ("torch", "event"):
        ours, theirs = (simulated(n, engine, values) for n in (net, loaded))
        for path, value in ours.items():
            np.testing.assert_array_equal(theirs[path], value, path)


def test_the_grid_is_whole() -> None:
    assert len({tuple(options.values()) for options in GRID}) == 3 * 5 * 3 * 3 * 3
    assert sum(map(len, GROUPS)) == len(GRID)
