"""Rules of Loihi against a loop over synapses and the steps of each epoch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.errors import ParameterError
from bidl_sim.processes import LIF, Dense, Input, LoihiRule, Sparse
from bidl_sim.processes.plasticity.sum_of_products import sum_of_products
from bidl_sim.processes.synapses.distributions import Normal

TRACES = {
    "x1_impulse": 0.7,
    "x1_tau": 5.0,
    "x2_impulse": 0.3,
    "x2_tau": 2.0,
    "y1_impulse": 0.9,
    "y1_tau": 11.0,
    "y2_impulse": 0.2,
    "y2_tau": 1.5,
    "y3_impulse": 1.1,
    "y3_tau": 3.0,
}

# what is added, as a function of the condition's holding and of everything read at its time
RULES = {
    "2^-5*y0*x1 - 3*2^-8*x0*y1": lambda c, v: c["y0"] * v("y0", "x1") / 32 - c["x0"] * 3 / 256
    * v("x0", "y1"),
    "-0.1*x0*x1*y3*w + u1*2^-4*(w - 2)*y2": lambda c, v: -0.1 * c["x0"] * v("x0", "x1")
    * v("x0", "y3") * v("x0", "w") + c["u1"] / 16 * (v("u1", "w") - 2) * v("u1", "y2"),
    "y0*x2*x2*(-1)*2^-3 + (3*2^-2 - w)*sgn(w)*2^-3*u0 + 2^-6*u2": lambda c, v: -c["y0"] / 8
    * v("y0", "x2") ** 2 + c["u0"] / 8 * (0.75 - v("u0", "w")) * np.sign(v("u0", "w"))
    + c["u2"] / 64,
    "2^-4*u0*x1*y1*(x2 + 1)": lambda c, v: c["u0"] / 16 * v("u0", "x1") * v("u0", "y1")
    * (v("u0", "x2") + 1),
}  # fmt: skip


def simulated(rule: LoihiRule, pre: np.ndarray, weight: np.ndarray, engine: str):
    """Spikes of the targets and the weights in the end."""
    net = Network()
    source, target = net.add(Input(pre.shape[1])), net.add(LIF(alpha=0.7, v_th=0.3, name="post"))
    synapse = net.add(Dense(*weight.T.shape, weight=weight, bias=False, name="synapse"))
    net.connect(source, synapse)
    net.connect(synapse, target)
    net.add(rule, "rule").learn_between(source, synapse, target)
    sim = Simulator(net, engine=engine, dtype="float64")
    out = sim.run(pre)
    return out, sim.read("synapse.weight")


def epoch_of_one(spikes: np.ndarray, start: float, impulse: float, tau: float):
    """Values of one neuron's trace in the steps of an epoch, and the step of its last spike."""
    times = np.flatnonzero(spikes) + 1
    values = [start + max(len(times) - 1, 0) * impulse]
    for step in range(1, len(spikes) + 1):
        values.append(values[-1] * math.exp(-1 / tau) + impulse * (step in times[-1:]))
    return values, int(times[-1]) if len(times) else 0


def looped(text: str, epoch: int, pre: np.ndarray, post: np.ndarray, weight: np.ndarray):
    """The weights in the end."""
    weight, spikes = weight.copy(), {"x": pre, "y": post}
    ends = {(n[:2], k): 0.0 for n in TRACES for k in range(spikes[n[0]].shape[1])}
    for number in range(1, len(pre) // epoch + 1):
        now = slice((number - 1) * epoch, number * epoch)
        runs, last = {}, {}
        for name, k in ends:
            constants = TRACES[f"{name}_impulse"], TRACES[f"{name}_tau"]
            mine = spikes[name[0]][now, k]
            runs[name, k], last[name[0], k] = epoch_of_one(mine, ends[name, k], *constants)
        for j, i in np.ndindex(*weight.shape):
            at = {"x0": last["x", i], "y0": last["y", j], "u0": epoch, "u1": epoch, "u2": epoch}
            holds = {"x0": at["x0"] > 0, "y0": at["y0"] > 0}
            holds |= {f"u{k}": number % 2**k == 0 for k in range(3)}

            def value(when: str, name: str, j=j, i=i, at=at, runs=runs) -> float:
                own = {"x": i, "y": j}
                return weight[j, i] if name == "w" else runs[name, own[name[0]]][at[when]]

            weight[j, i] += RULES[text](holds, value)
        ends = {key: values[-1] for key, values in runs.items()}
    return weight


@pytest.mark.parametrize("epoch", [1, 3, 8])
@pytest.mark.parametrize("text", RULES)
def test_a_rule_is_its_loop(text, epoch, rng) -> None:
    pre = (rng.random((50, 4)) < 0.4).astype(float)
    weight = rng.uniform(-0.1, 0.5, (3, 4))
    post, found = simulated(LoihiRule(text, **TRACES, t_epoch=epoch), pre, weight, "torch")
    assert 10 < post.sum() < 130
    assert np.abs(found - weight).max() > 0.05
    # exponentials of a product, not products of exponentials
    np.testing.assert_allclose(found, looped(text, epoch, pre, post, weight), atol=1e-12)


def test_the_event_engine_learns_alike(rng) -> None:
    text = list(RULES)[1]
    pre = (rng.random((50, 4)) < 0.4).astype(float)
    weight = rng.uniform(-0.1, 0.5, (3, 4))
    (post, one), (again, two) = (
        simulated(LoihiRule(text, **TRACES, t_epoch=3), pre, weight, engine)
        for engine in ("torch", "event")
    )
    np.testing.assert_array_equal(again, post)
    np.testing.assert_allclose(two, one, atol=1e-12)


def test_samples_and_sparse_synapses_learn_for_themselves(rng) -> None:
    values = (rng.random((3, 20, 6)) < 0.3).astype(float)

    def simulator() -> Simulator:
        synapse = Sparse.fixed_in_degree(6, 4, 3, weight=Normal(0.4, 0.1), seed=1)
        net = Network.sequential(Input(6), synapse, LIF(alpha=0.7))
        ends = tuple(net.processes.values())
        net.add(LoihiRule.stdp(1, 0.25, -0.1, 5, 6, t_epoch=4)).learn_between(*ends)
        return Simulator(net, dtype="float64")

    together = simulator()
    together.run(values[:, :7])
    together.run(values[:, 7:])  # in the middle of an epoch
    for k, weight in enumerate(together.read("sparse1.weight")):
        alone = simulator()
        alone.run(values[k])
        np.testing.assert_allclose(alone.read("sparse1.weight"), weight, atol=1e-14)
    assert np.ptp(together.read("sparse1.weight"), axis=0).max() > 0.1


def test_amplitudes_of_stdp_are_rounded_as_lava_does() -> None:
    """To the nearest power of two, times the whole part where there is one."""

    def scales(*amounts: float) -> list[float]:
        rule = LoihiRule.stdp(*amounts, tau_plus=10, tau_minus=12)
        return [p.scale for p in sum_of_products("here", rule.dw)]

    assert scales(1, 0.1, -0.06) == [-(2.0**-4), 2.0**-3]
    assert scales(0.125, 3.9, -5) == [-0.625, 0.375]
    assert scales(2, 1.5, 0) == [0, 4]  # 1.5 is nearer to 2 than to 1 in powers
    with pytest.raises(ParameterError, match="takes finite numbers, got nan"):
        LoihiRule.stdp(1, math.nan, 1, 1, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must be a sum of products"),
        ("2^-6*(x0", "must be a sum of products"),
        ("x0 - 2^-6*w", r"'-2\^-6\*w' with none of x0"),
        ("2*x0*y0", r"'2\*x0\*y0' with both x0 and y0"),
        ("x0*y1 + 3^2*y0", r"'\+3\^2\*y0', of which '3\^2' is not understood"),
        ("x0**y1", r"'x0\*\*y1', which is no product"),
        ("x0*d", r"'x0\*d', of which 'd' is not known.*there are x1, x2, y1, y2, y3, w"),
        ("x0*(w - x1)", r"of which '\(w-x1\)' is not understood"),
        ("x0*(w-)", r"of which '\(w-\)' is not understood"),
        ("x0*sgn(2)", r"of which 'sgn\(2\)' is not understood"),
        ("x0*x4", "'x4' is not known"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_term(text, problem) -> None:
    with pytest.raises(ParameterError, match=f"LoihiRule.*dw: .*{problem}"):
        LoihiRule(text)


def test_a_trace_without_a_time_constant_is_refused() -> None:
    with pytest.raises(ParameterError, match="y1_tau: must be > 0, y1 is in dw"):
        LoihiRule("x0*y1", y1_impulse=2.0)
    with pytest.raises(ParameterError, match=r"x2_tau: must be > 0, x2 has x2_impulse = 2\.0"):
        LoihiRule("x0", x2_impulse=2.0)
