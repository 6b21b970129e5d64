"""LIF+ against its documented equations, written out a second time with plain conditions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError
from bidl_sim.processes import LIF, Input, LIFPlus
from bidl_sim.trainers import Unroll

GRID = list(
    itertools.product(
        ("basic", "exponential", "linear"),
        ("cub", "cobe", "coba", "cobe_rev", "coba_rev"),
        ("naive", "exi", "qdi"),
        ("none", "adt", "sbt"),
        ("none", "absolute", "relative"),
    )
)
GAIN = {"cub": 1, "cobe": 2, "coba": 2 * math.e}
"""Of a constant current, with eps_g = 0.5."""

NAMES = ("decay", "accumulation", "trigger", "spike_current", "refractory")


def run(neuron: LIF | LIFPlus, currents: np.ndarray, dtype: str = "float64"):
    """Spikes and potentials of ``(time, neurons)`` currents."""
    sim = Simulator(Network.sequential(Input(currents.shape[1:]), neuron), dtype=dtype)
    v = sim.probe(f"{neuron.name}.v")
    return sim.run(currents, progress=False), v.data


def by_hand(options, p, currents):
    """Spikes and potentials of one neuron, in Python's numbers."""
    decay, accumulation, trigger, spike_current, refractory = options
    v = g = y = w = r = w_r = 0.0
    counter = 0
    found = []

    def drift(at):
        """What the potential changes by when nothing arrives."""
        if decay == "exponential":
            leak, rate = p["v_0"] - at, p["kappa"]
        elif decay == "linear":
            leak, rate = -p["v_leak"], 1.0
        else:
            leak, rate = p["alpha"] * at + p["beta"] - at, 1.0
        if trigger == "exi":
            leak += p["delta_t"] * math.exp(min((at - p["v_th"]) / p["delta_t"], 11.0))
        if trigger == "qdi":
            leak *= p["v_c"] - at
        return rate * leak

    for current in currents:
        if accumulation == "cub":
            g = current
        elif accumulation.startswith("cobe"):
            g = (1 - p["eps_g"]) * g + current
        else:
            y = (1 - p["eps_g"]) * y + current
            g = (1 - p["eps_g"]) * g + math.e * p["eps_g"] * y
        drive = g * (p["v_g"] - v) if accumulation.endswith("rev") else g
        if refractory == "absolute" and counter > 0:
            drive = 0.0
            counter -= 1
        if spike_current != "none":
            w = (1 - p["eps_w"]) * w
        if spike_current == "sbt":
            w += p["kappa"] * p["a"] * (v - p["v_w"])
        u = v + w + drive * (p["kappa"] if decay == "exponential" else 1.0)
        if decay != "basic":
            u += drift(v)
        if refractory == "relative":
            r, w_r = (1 - p["eps_r"]) * r, (1 - p["eps_wr"]) * w_r
            u += r * (p["v_rr"] - v) + w_r * (p["v_ar"] - v)
        fired = u > (p["v_th"] if trigger == "naive" else p["v_theta"])
        v = p["v_0"] if fired else u
        if fired:
            w -= p.get("b", 0.0)
            counter = p.get("cnt_max", 0)
            r -= p.get("q_r", 0.0)
            w_r -= p.get("b_r", 0.0)
        if decay == "basic":
            v += drift(v)
        found.append((float(fired), v))
    return np.array(found).T


@pytest.mark.parametrize("decay", ["basic", "exponential", "linear"])
def test_every_combination_follows_the_documented_equations(decay, rng) -> None:
    """Spikes are equal; potentials round otherwise, and what grows exponentially does so too."""
    values = rng.normal(0.6, 0.7, (40, 3))
    for options in GRID:
        if options[0] != decay:
            continue
        currents = values / GAIN[options[1][:4]]
        neuron = LIFPlus(v_0=0.05, **dict(zip(NAMES, options, strict=True)))
        if "cnt_max" in neuron.parameters():
            neuron.cnt_max = 3
        spikes, v = run(neuron, currents)
        p = {n: float(value) for n, value in neuron.parameters().items()}
        for k in range(3):
            wanted, potential = by_hand(options, p, currents[:, k])
            np.testing.assert_array_equal(spikes[:, k], wanted, str(options))
            np.testing.assert_allclose(v[:, k], potential, rtol=1e-9, atol=1e-9)
        assert spikes.sum() > 0, options


def test_with_default_options_it_is_the_lif_to_the_bit(rng) -> None:
    currents = rng.normal(0.3, 0.5, (200, 20))
    for dtype in ("float64", "float32"):
        plus = run(LIFPlus(alpha=0.8, beta=0.03, v_0=-0.2, v_th=0.6), currents, dtype)
        lif = run(LIF(alpha=0.8, beta=0.03, v_reset=-0.2, v_th=0.6), currents, dtype)
        assert plus[0].sum() > 100
        for one, two in zip(plus, lif, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("kappa", "v_0"), [(0.1, 0.0), (0.3, -0.25), (0.7, 0.2)])
def test_exponential_decay_is_the_lif_kept_one_leak_later(kappa, v_0, rng) -> None:
    """alpha = 1 - kappa, beta = kappa v_0, kappa times the input, v = alpha v + beta."""
    currents = rng.normal(0.5 / kappa, 0.8 / kappa, (300, 20))
    start = rng.normal(0, 0.2, 20)
    spikes, v = run(
        LIFPlus(decay="exponential", kappa=kappa, v_0=v_0, initial={"v": start}), currents
    )
    alpha, beta = 1 - kappa, kappa * v_0
    lif = LIF(alpha=alpha, beta=beta, v_reset=v_0, initial={"v": alpha * start + beta})
    wanted, potential = run(lif, kappa * currents)
    assert 0.05 < wanted.mean() < 0.95
    np.testing.assert_array_equal(spikes, wanted)
    np.testing.assert_allclose(alpha * v + beta, potential, atol=1e-12)


def test_an_alpha_synapse_peaks_at_the_weight() -> None:
    """One spike of weight 2: g rises to 2 after 1/eps_g steps, for small eps_g."""
    currents = np.zeros((400, 1))
    currents[0] = 2.0
    neuron = LIFPlus(accumulation="coba", eps_g=0.01, v_th=1e6)
    sim = Simulator(Network.sequential(Input(1), neuron), dtype="float64")
    g = sim.probe("lifplus1.g")
    sim.run(currents, progress=False)
    assert g.data.max() == pytest.approx(2.0, rel=0.02)
    assert abs(g.data[:, 0].argmax() - 99) <= 1


def test_absolute_refractoriness_sets_the_largest_rate() -> None:
    """With cnt_max = n, a spike every n + 1 steps under any strong current."""
    for n in (0, 1, 4):
        spikes, _ = run(LIFPlus(refractory="absolute", cnt_max=n), np.full((60, 1), 9.0))
        assert np.flatnonzero(spikes).tolist() == list(range(0, 60, n + 1))


def test_adaptation_lengthens_the_intervals() -> None:
    options = dict(decay="exponential", kappa=0.1, spike_current="adt", eps_w=0.01, b=0.02)
    spikes, _ = run(LIFPlus(**options), np.full((300, 1), 2.0))
    intervals = np.diff(np.flatnonzero(spikes))
    assert intervals[0] < intervals[-1]


def test_a_state_or_parameter_that_is_not_used_does_not_exist() -> None:
    neuron = LIFPlus(decay="linear", accumulation="coba")
    assert neuron.states(training=True) == ("v", "g", "y")
    assert set(neuron.parameters()) == {"v_0", "v_leak", "eps_g", "v_th"}
    assert set(LIFPlus(trigger="qdi", learn=True).learned) == {
        "v_0", "alpha", "beta", "v_theta", "v_c",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (dict(kappa=0.3), "kappa.*used by none.*decay='exponential' or spike_current='sbt'"),
        (dict(trigger="qdi", v_th=0.5), "v_th.*used by none"),
        (dict(learn="eps_g"), "learn.*eps_g"),
        (dict(initial={"w": 0.1}), "initial.*'w'"),
        (dict(alpha=1.1), r"alpha.*in \[0, 1\]"),
        (dict(accumulation="cobe", eps_g=-0.1), r"eps_g.*in \[0, 1\]"),
        (dict(trigger="exi", delta_t=0.0), "delta_t.*> 0"),
        (dict(trigger="exi", v_theta=0.5), "v_theta.*above v_th"),
        (dict(refractory="absolute", cnt_max=2.5), "cnt_max.*whole"),
        (dict(refractory="absolute", cnt_max=-1), "cnt_max.*>= 0"),
        (dict(refractory="absolute", learn="cnt_max"), "learn.*cnt_max"),
        (dict(decay="lid"), "decay.*must be one of"),
    ],
)
def test_what_is_refused(given, named) -> None:
    with pytest.raises(ParameterError, match=f"LIFPlus.*{named}"):
        LIFPlus(**given)


def test_the_configuration_of_bidl() -> None:
    neuron = LIFPlus.from_config([2, True, 1, 0, 2, 1], cnt_max=4)
    assert neuron.options()["accumulation"] == "coba_rev"
    chosen = [neuron.options()[name] for name in NAMES]
    assert chosen == ["exponential", "coba_rev", "naive", "sbt", "absolute"]
    assert neuron.cnt_max == 4
    assert LIFPlus.from_config([0, False, 0, 0, 0, 0]).options() == LIFPlus().options()


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ([1, 0, 0], "must be"),
        ([0, True, 0, 0, 0, 0], "rev_volt.*needs"),
        ([1, False, 3, 0, 0, 0], "fire_refrac.*at most 2"),
        ([1, False, 0, 0.5, 0, 0], "spike_init.*whole"),
        ("100000", "must be"),
    ],
)
def test_a_configuration_that_bidl_does_not_have(numbers, named) -> None:
    with pytest.raises(ParameterError, match=named):
        LIFPlus.from_config(numbers)


@pytest.mark.parametrize(
    "options",
    [
        ("basic", "coba", "exi", "adt", "relative"),
        ("exponential", "coba_rev", "exi", "sbt", "relative"),
        ("exponential", "cobe_rev", "qdi", "adt", "none"),
        ("linear", "cobe", "qdi", "sbt", "relative"),
        ("basic", "cub", "qdi", "sbt", "none"),
    ],
)
def test_gradients_of_every_mechanism_by_finite_differences(options, rng) -> None:
    """With a smooth spike; the counter of "absolute" is the one thing without a gradient."""
    neuron = LIFPlus(v_0=0.05, learn=True, **dict(zip(NAMES, options, strict=True)))
    model = Unroll(Network.sequential(Input(2), neuron), dtype="float64", spikes="smooth")
    names = [n for n, _ in model.named_parameters()]

    def outputs(x, *values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x,))

    x = torch.tensor(rng.normal(0.3, 0.3, (1, 5, 2)), requires_grad=True)
    values = tuple(p.detach().clone().requires_grad_() for p in model.parameters())
    assert torch.autograd.gradcheck(outputs, (x, *values), eps=1e-6, atol=1e-6)


def test_the_exponential_does_not_overflow() -> None:
    """In half precision the largest exp is that of 11."""
    neuron = LIFPlus(trigger="exi", v_theta=1e4, delta_t=0.01)
    _, v = run(neuron, np.full((2, 1), 50.0), "float16")
    assert np.isfinite(v).all()
