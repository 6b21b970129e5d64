"""Every kind of neuron, and what a training step on its kernels must give: the eager step's."""

from __future__ import annotations

import numpy as np
import torch
from cases import CASES, Case

from bidl_sim import Network, Neuron, Param, State
from bidl_sim.core.neuron import Population
from bidl_sim.core.surrogate import SURROGATES
from bidl_sim.core.trace.expression import FUNCTIONS, in_order
from bidl_sim.core.trace.step import trace
from bidl_sim.errors import TraceError
from bidl_sim.processes import LIF
from bidl_sim.trainers import Unroll


class KernelAdaptive(Neuron):
    """Two states, a comparison, a choice and an intrinsic."""

    alpha: Param = Param(0.9, learned=True)
    rise: Param = Param((0.3, 0.1, 0.2, 0.4, 0.5), learned=True)

    v, b = State(0.0), State(0.1)

    def step(self, a_in, v, b, alpha, rise, fire):
        from bidl_sim.core.intrinsics import clip, exp, where

        u = clip(v + a_in, -2.0, 2.0)
        s = fire(u - (0.5 + b))
        return s, alpha * where(s > 0.5, 0.0, u), b * exp(-rise) + rise * s


class KernelShifting(Neuron):
    """Integer state: decay by shifts, a wrap to 8 bits."""

    v = State(3, dtype="int")

    def step(self, a_in, v, fire):
        v = v - (v >> 3) + where_positive(a_in)
        v = ((v + 128) & 255) - 128
        return fire(v - 20), v


class KernelGrid(Neuron):
    """A potential on a grid of eighths, cut towards zero, learning as if it were smooth."""

    alpha: Param = Param(0.77, learned=True)

    v = State(0.375)

    def step(self, a_in, v, alpha, fire):
        from bidl_sim.core.intrinsics import floor, integer, nearest, straight_through

        decay = straight_through(nearest(alpha * 64) / 64, alpha)
        product = integer(nearest(alpha * 64)) * integer(v * 8)
        cut = (product + ((product < 0) * 63)) >> 6
        v = straight_through(cut / 8, v * decay) + straight_through(floor(a_in * 8) / 8, a_in)
        return fire(v - 0.3), v


class KernelCounting(Neuron):
    """Whole numbers divided and counted, truth values added, a root and a quotient."""

    tau: Param = Param(3.0, learned=True)

    k = State(-7, dtype="int")
    v = State(0.5)

    def step(self, a_in, k, v, tau, fire):
        from bidl_sim.core.intrinsics import maximum, minimum, tanh, where

        k = (k // 3) * 2 - (k % -4) + 5 * ((a_in > 0.2) + (v > 0.4)) - 8
        v = minimum(maximum(a_in - v, tanh(v)), (v * v + 0.3) ** 0.5) / tau
        return fire(v - 0.1), where(~(k < -20), k, -11), where(k % 3 == 1, v, 0.9 * v)


def where_positive(x):
    from bidl_sim.core.intrinsics import where

    return where(x > 0, 11, -3)


def neurons() -> list[Case]:
    cases = [c for c in CASES if isinstance(c.make(), Population)]
    surrogates = [
        Case(f"LIF-{name}", lambda name=name: LIF(learn=True, surrogate=name, reset="soft"))
        for name in SURROGATES
    ]
    own = [Case("Adaptive", KernelAdaptive), Case("Shifting", KernelShifting)]
    own += [Case("Counting", KernelCounting), Case("Grid", KernelGrid)]
    learned = [
        Case(
            f"LIF-learned-{reset}-{grad}",
            lambda reset=reset, grad=grad: LIF(
                alpha=[0.3, 0.8], v_th=0.4, learn=True, reset=reset, reset_grad=grad
            ),
            (2, 3, 3),
        )
        for reset, grad in (("hard", "full"), ("hard", "detached"), ("soft", "full"))
    ]
    return [*cases, *surrogates, *own, *learned]


def alone(case: Case, population: Population) -> Network:
    """A network of nothing else, that sends what the population does."""
    net = Network()
    case.feed(net, population)
    net.expose(population.ports["s_out"])
    return net


def train_once(
    case: Case, kernels: str, dtype: torch.dtype, device: str = "cpu"
) -> dict[str, torch.Tensor]:
    """Everything a training step gives, the state carried over a cut included."""
    torch.manual_seed(0)  # of the noise, where there is some
    population = case.make()
    net = alone(case, population)
    name = next(n for n, p in net.processes.items() if p is population)
    model = Unroll(net, dtype=dtype, kernels=kernels).train().to(device)
    states = [f"{name}.{s}" for s in population.states(True)]
    x = torch.tensor(np.random.default_rng(2).normal(0.3, 0.5, (3, 25, *case.shape)), dtype=dtype)
    x = x.to(device).requires_grad_()
    first, seen, carry = model.advance(x[:, :18], None, states)
    second, _, carry = model.advance(x[:, 18:], carry, states)
    smooth = [v for v in (*seen.values(), *carry.state.values()) if v.is_floating_point()]
    total = torch.zeros((), device=device)
    for v in (first, second):
        total = total + (v * torch.linspace(-1, 1, v.numel(), device=device).view_as(v)).sum()
    total = total + sum((0.1 * v * v).sum() for v in smooth)
    if total.requires_grad:
        total.backward()
    gradients = {
        n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in model.named_parameters()
    }
    return {
        "first": first,
        "second": second,
        "gradient of input": torch.zeros_like(x) if x.grad is None else x.grad,
        **seen,
        **carry.state,
        **{f"gradient of {n}": g for n, g in gradients.items()},
    }


def compare(case: Case, dtype: torch.dtype, bound: float, device: str = "cpu") -> None:
    """What steps of arithmetic compute forward is equal to the bit; the rest within ``bound``."""
    eager, fused = (train_once(case, kernels, dtype, device) for kernels in ("eager", "fused"))
    assert set(eager) == set(fused)
    if dtype == torch.float32 and case.drive > 1:
        bound *= 50  # potentials of 100 mV round so much more, seen by a surrogate 1 mV wide
    exact = is_arithmetic(case)
    for name, value in eager.items():
        other = fused[name]
        whole = not value.is_floating_point() or bool(((value == 0) | (value == 1)).all())
        if whole or (exact and "gradient" not in name):
            assert torch.equal(other, value), name
        else:
            size = max(1.0, float(value.detach().abs().max()))  # of what cancels in the sums
            torch.testing.assert_close(other, value, atol=bound * size, rtol=bound, msg=name)


def is_eager(population: Population) -> bool:
    """Whether a training step has more than single neurons: their batch, noise or the time."""
    normalised = getattr(population, "norm", "none") == "membrane"
    timed = bool(getattr(population, "reset_interval", None))
    return normalised or timed or population.draws(True)


def is_arithmetic(case: Case) -> bool:
    """Whether a step has none of the operations that libraries round differently.

    Those are functions, and a number divided by a tensor, for which torch takes the reciprocal.
    """
    try:
        step = trace(case.make(), training=True)
    except TraceError:
        return True  # eager on both sides
    results = in_order((*step.outputs.values(), *step.new_states.values()))
    return not any(x.op in FUNCTIONS or (x.op == "/" and x.args[0].op == "const") for x in results)
