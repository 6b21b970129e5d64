"""Do the neurons under lava-dl's names give what lava-dl's give?"""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from slayer_neurons import KINDS, Recorded

CASES = ("shared", "graded", "persistent_two_calls", "spatial_NCHWT")
FILES = [(f, c) for f in KINDS for c in CASES if (f, c) != ("sigma_delta", "graded")]
"""Sigma-delta neurons have no graded spikes of their own: all of theirs are."""


@pytest.mark.parametrize(("family", "case"), FILES)
def test_spikes_gradients_and_numbers_are_those_of_lava_dl(family, case, lava_golden) -> None:
    file = Recorded.read(lava_golden, family, case)
    words = importlib.import_module(f"bidl_sim.slayer.neuron.{family}")
    neuron = words.Neuron(**file.meta["kwargs"])
    for call in file.calls:
        inputs = [torch.tensor(file.arrays[n + call]).requires_grad_() for n in file.inputs]
        y = neuron(*inputs)
        np.testing.assert_array_equal(y.detach(), file.arrays[f"spike{call}"])
        y.backward(torch.tensor(file.arrays[f"grad_out{call}"]))
        for name, x in zip(file.inputs, inputs, strict=True):
            wanted = file.arrays[f"grad_{name}{call}"]
            bound = 1e-5 * np.abs(wanted).max()  # float32, summed in another order
            np.testing.assert_allclose(x.grad, wanted, atol=bound, err_msg=name)

    device = file.meta["device_params"]
    assert neuron.device_params == device
    assert neuron.threshold == file.meta["threshold"]
    assert (neuron.w_scale, neuron.s_scale) == (file.meta["w_scale"], file.meta["s_scale"])
    assert neuron.v_th_mant == device["vThMant"]
    assert neuron.device == torch.device("cpu")
    again = words.Neuron(**words.neuron_params(device))
    for name, value in device.items():
        assert again.device_params[name] == value, name
    with pytest.raises(AttributeError, match="cx_nonsense"):
        _ = neuron.cx_nonsense
