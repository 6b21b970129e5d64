"""Our neurons of lava-dl give its spikes, states and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from slayer_neurons import CASES, KINDS, Recorded

from bidl_sim.trainers import Unroll

FILES = [
    (neuron, case)
    for neuron in KINDS
    for case in CASES
    if (neuron, case) not in (("sigma_delta", "per_channel"), ("sigma_delta", "graded"))
    and not (neuron in ("cuba", "sigma_delta") and "norm" in case)
]
"""lava-dl has not the first two; norms inside these two neurons are held by their blocks."""

FUSED = [(neuron, case) for neuron in KINDS for case in ("shared", "persistent_two_calls")]
DTYPES = (torch.float32, torch.float64)


@pytest.mark.parametrize("dtype", DTYPES, ids=("float32", "float64"))
@pytest.mark.parametrize(("neuron", "case"), FILES)
def test_the_step_equals_lava_dl(neuron, case, dtype, lava_golden) -> None:
    equals_lava_dl(Recorded.read(lava_golden, neuron, case), dtype, "eager")


@pytest.mark.parametrize(("neuron", "case"), FUSED)
def test_kernels_equal_lava_dl(neuron, case, lava_golden) -> None:
    equals_lava_dl(Recorded.read(lava_golden, neuron, case), torch.float32, "fused")


def equals_lava_dl(file: Recorded, dtype: torch.dtype, kernels: str) -> None:
    """Spikes are equal, states on the grid of 1 / 4096, gradients to 1e-5 of what makes them up.

    The first step of a call is another model's, because lava-dl does not count it in the gradient
    of decays: what they do to the state that a call begins with.
    """
    network = file.network()
    before, model = (Unroll(network, kernels=kernels, dtype=dtype).eval() for _ in range(2))
    if file.neuron == "sigma_delta":
        before = model
    states = list(file.states.values())
    carry = None
    for call in file.calls:
        given = {n: tensor(file(n + call), dtype).requires_grad_() for n in file.inputs}
        first, seen, carry = before.advance(part(given, slice(1)), carry, states)
        rest, later, carry = model.advance(part(given, slice(1, None)), carry, states)
        y = torch.cat([first, rest], 1)
        np.testing.assert_array_equal(y.detach().numpy(), file(f"spike{call}"))
        for name, own in file.states.items():
            found = torch.cat([seen[own], later[own]], 1).detach().double().numpy()
            wanted = file(name + call).astype(np.float64)
            if dtype == torch.float64 or file.case != "shared_float_input":
                np.testing.assert_array_equal(np.rint(4096 * found), np.rint(4096 * wanted), name)
            else:  # sums off the grid, whose last bits lie anywhere beside a half
                np.testing.assert_allclose(found, wanted, atol=2e-6, err_msg=name)
        model.zero_grad()
        (y * tensor(file(f"grad_out{call}"), dtype)).sum().backward()
        for name in file.inputs:
            wanted = file(f"grad_{name}{call}")
            bound = 1e-5 * np.abs(wanted).max()
            np.testing.assert_allclose(given[name].grad, wanted, atol=bound, err_msg=name)
        compare_learned(file, model, call)
        carry = carry.detach()


def compare_learned(file: Recorded, model: Unroll, call: str) -> None:
    """The gradient of a parameter is a sum over neurons and steps, in which much cancels."""
    own = {n: model.get_parameter(path).grad.double() for n, path in file.learned.items()}
    wanted = {n: file.arrays[f"gradparam_{n}{call}"].astype(np.float64) for n in file.learned}
    bound = 1e-5 * max(np.abs(w).max() for w in wanted.values())
    for name, gradient in own.items():
        np.testing.assert_allclose(
            gradient.reshape(wanted[name].shape), wanted[name], rtol=1e-5, atol=bound, err_msg=name
        )


def tensor(array: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor(array, dtype=dtype)


def part(given: dict[str, torch.Tensor], steps: slice) -> torch.Tensor | dict[str, torch.Tensor]:
    cut = {name: values[:, steps] for name, values in given.items()}
    return cut if len(cut) > 1 else next(iter(cut.values()))


@pytest.mark.parametrize("case", ["shared", "per_channel"])
@pytest.mark.parametrize("neuron", ["alif", "adrf", "adrf_iz"])
def test_thresholds_rise_as_in_lava_dl(neuron, case, lava_golden) -> None:
    """A file has both parts of a threshold as they are when it is compared."""
    file = Recorded.read(lava_golden, neuron, case)
    model = Unroll(file.network(), dtype=torch.float64)
    given = {n: tensor(file(n), torch.float64) for n in file.inputs}
    kept = ("p.s_out", "p.adaptation", "p.refractory")
    _, seen, _ = model.advance(part(given, slice(None)), None, kept)
    spikes, adaptation, refractory = (seen[name].detach().numpy() for name in kept)
    step = int(64 * file.meta["kwargs"]["threshold_step"]) / 64
    threshold = adaptation - spikes * step + file.meta["threshold"]
    for found, name in (
        (threshold, "threshold"),
        (refractory - spikes * 2 * threshold, "refractory"),
    ):
        np.testing.assert_array_equal(np.rint(4096 * found), np.rint(4096 * file(name)), name)
