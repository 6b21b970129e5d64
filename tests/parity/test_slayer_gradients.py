"""Gradients of the neurons of lava-dl: finite differences, the wrong sign, and what descends."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import bidl_sim.processes as bp
from bidl_sim import Network, Process
from bidl_sim.trainers import Unroll

PLAIN = {"arithmetic": "float", "tau_grad": 0.01, "scale_grad": 10.0, "name": "p"}
"""Surrogates as wide as the threshold and of area 1."""

DECAYS = ["current_decay", "voltage_decay"]
TURNS = ["sin_decay", "cos_decay"]
FULL = {"reset_grad": "full"}
SMOOTH = {
    "CUBA": lambda **o: bp.CUBA(learn=[*DECAYS, "bias"], **FULL, **PLAIN, **o),
    "TernaryLIF": lambda **o: bp.TernaryLIF(learn=DECAYS, **FULL, **PLAIN, **o),
    "RFIzhikevich": lambda **o: bp.RFIzhikevich(learn=TURNS, **FULL, **PLAIN, **o),
    "LeakyIntegrator": lambda **o: bp.LeakyIntegrator(
        arithmetic="float", learn=True, name="p", **o
    ),
    "Resonator": lambda **o: bp.Resonator(arithmetic="float", learn=True, name="p", **o),
    "RF-voltage": lambda **o: bp.RF(output="voltage", learn=TURNS, **PLAIN, **o),
}


def model_of(neuron: Process, shape: tuple[int, ...] = (2,), **options) -> Unroll:
    net = Network()
    net.add(neuron)
    for port in neuron.in_ports.values():
        net.connect(net.add(bp.Input(shape, name=port.name)), port)
    return Unroll(net, dtype=torch.float64, **options)


def given(model: Unroll, values: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
    names = [n for n in ("a_in", "a_real_in", "a_imag_in") if n in dict(model.named_children())]
    parts = dict(zip(names, (values, values.flip(1)), strict=False))
    return parts if len(parts) > 1 else values


@pytest.mark.parametrize("name", SMOOTH)
def test_finite_differences(name) -> None:
    """Where the spike is smooth and the reset is felt, gradients of inputs and decays are exact."""
    model = model_of(SMOOTH[name](), spikes="smooth")
    x = torch.tensor(np.random.default_rng(0).normal(0.3, 0.6, (2, 7, 2)), requires_grad=True)
    names, values = zip(*model.named_parameters(), strict=True)

    def run(x, *values):
        return torch.func.functional_call(
            model, dict(zip(names, values, strict=True)), (given(model, x),)
        )

    assert torch.autograd.gradcheck(run, (x, *values), eps=1e-6, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("arithmetic", ["float", "fixed"])
def test_slayers_gradient_of_a_decay_has_the_other_sign(arithmetic) -> None:
    """Without a reset, which only one of the two sees, it is the true one but for that."""
    found = []
    for decay_grad in ("true", "slayer"):
        neuron = bp.ALIF(learn=DECAYS, decay_grad=decay_grad, arithmetic=arithmetic, name="p")
        model = model_of(neuron)
        x = torch.tensor(np.random.default_rng(1).normal(0.4, 0.5, (3, 20, 2)))
        (model(x) * torch.linspace(-1, 1, 120).view(3, 20, 2)).sum().backward()
        found.append([getattr(model.p, n).grad.item() for n in DECAYS])
    assert all(abs(g) > 1e-6 for g in found[0])
    np.testing.assert_allclose(found[1], np.negative(found[0]), rtol=1e-12)


LEARNED = {
    "CUBA": (bp.CUBA, {"current_decay": 0.5, "voltage_decay": 0.3}),
    "LeakyIntegrator": (bp.LeakyIntegrator, {"decay": 0.4}),
    "Resonator": (bp.Resonator, {"sin_decay": 0.6, "cos_decay": 0.5}),
}


@pytest.mark.parametrize("arithmetic", ["float", "fixed"])
@pytest.mark.parametrize("name", LEARNED)
def test_decays_descend_to_those_that_made_the_target(name, arithmetic) -> None:
    """Half the way in few steps; with SLAYER's sign they would go away from it."""
    kind, wanted = LEARNED[name]
    options = {"arithmetic": arithmetic, "name": "p"}
    if name == "CUBA":
        options |= {"output": "voltage", "threshold": 50.0}
    x = torch.tensor(np.random.default_rng(2).normal(0.2, 1.0, (4, 30, 2)))
    with torch.no_grad():
        teacher = model_of(kind(**wanted, **options))
        target = teacher(given(teacher, x))
    model = model_of(kind(learn=list(wanted), **options))
    start = {n: getattr(model.p, n).item() for n in wanted}
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        ((model(given(model, x)) - target) ** 2).mean().backward()
        optimizer.step()
    for n, value in wanted.items():
        assert abs(getattr(model.p, n).item() - value) < 0.5 * abs(start[n] - value), n


def test_a_threshold_of_differences_descends() -> None:
    """Fewer differences are sent when that is what is asked for."""
    model = model_of(bp.SigmaDelta(threshold=0.1, learn="threshold", name="p"))
    x = torch.tensor(np.random.default_rng(3).normal(0.0, 0.4, (4, 40, 2)))
    before = (model(x) != 0).double().mean().item()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    for _ in range(20):
        optimizer.zero_grad()
        model(x).abs().sum().backward()
        optimizer.step()
    assert (model(x) != 0).double().mean().item() < 0.8 * before
