"""Losses, classifiers, filters, quantisers, delays and event files against vectors of lava-dl.

Float32 sums in another order differ in the last bits: 1e-5 of the largest value.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bidl_sim import slayer
from bidl_sim.trainers import losses

KINDS = {
    "SpikeTime_order1": (slayer.loss.SpikeTime, "desired"),
    "SpikeTime_order2_mean": (slayer.loss.SpikeTime, "desired"),
    "SpikeRate": (slayer.loss.SpikeRate, "label"),
    "SpikeRate_window": (slayer.loss.SpikeRate, "label_time"),
    "SpikeMax_probability": (slayer.loss.SpikeMax, "label"),
    "SpikeMax_probability_window": (slayer.loss.SpikeMax, "label_time"),
    "SpikeMax_softmax": (slayer.loss.SpikeMax, "label"),
    "SpikeMax_softmax_window": (slayer.loss.SpikeMax, "label_time"),
    "SpikeMoid": (slayer.loss.SpikeMoid, "multilabel"),
}


def close(found: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))


@pytest.fixture
def vectors(lava_golden: Path) -> dict:
    with np.load(lava_golden / "losses_utils" / "losses_utils.npz") as file:
        found = {n: torch.tensor(file[n]) for n in file.files if n != "meta_json"}
        return found | {"info": json.loads(str(file["meta_json"]))["info"]}


def arguments(vectors: dict, name: str) -> dict:
    return {k: v for k, v in vectors["info"][name].items() if k != "target"}


@pytest.mark.parametrize("name", KINDS)
def test_losses_and_their_gradients(vectors, name) -> None:
    kind, target = KINDS[name]
    spike = vectors["spike"].requires_grad_()
    value = kind(**arguments(vectors, name))(spike, vectors[target])
    value.backward()
    if torch.isinf(vectors[f"{name}__value"]):  # a class without spikes, finite here
        assert torch.isfinite(value)
        assert torch.isfinite(spike.grad).all()
        return
    close(value.detach(), vectors[f"{name}__value"])
    close(spike.grad, vectors[f"{name}__grad"])


def test_sparsity_enforcer(vectors) -> None:
    spike = vectors["spike"].requires_grad_()
    enforcer = slayer.loss.SparsityEnforcer(**arguments(vectors, "SparsityEnforcer_x_and_2x"))
    enforcer.append(spike)
    enforcer.append(2 * spike)
    enforcer.loss.backward()
    wanted = vectors["SparsityEnforcer_x_and_2x__value"]
    close(enforcer.loss.detach(), wanted)
    close(spike.grad, vectors["SparsityEnforcer_x_and_2x__grad"])
    penalty = losses.FiringRate(0.5, high=0.01, reduction="sum")
    assert penalty({"x": spike, "2x": 2 * spike}).item() == pytest.approx(wanted.item(), rel=1e-5)
    enforcer.clear()
    assert enforcer.loss == 0


def test_classifiers(vectors) -> None:
    spike, window = vectors["spike"], slayer.classifier.MovingWindow(vectors["info"]["window"])
    found = slayer.classifier.Rate.confidence(spike)
    close(found, vectors["rate_confidence_probability"])
    assert torch.equal(slayer.classifier.Rate.predict(spike), vectors["rate_predict"])
    close(window.rate(spike), vectors["window_rate"])
    assert torch.equal(window(spike), vectors["window_rate"].argmax(1))


def test_finite_impulse_response(vectors) -> None:
    fir = slayer.utils.filter.FIR(**vectors["info"]["fir"])
    close(fir(vectors["spike"]), vectors["fir_out"])


def test_quantisers(vectors) -> None:
    x = vectors["quantize_in"]
    quantize, hook = slayer.utils.quantize, slayer.utils.quantize_hook_fx
    assert torch.equal(quantize(x, 1 / 32), vectors["quantize_round"])
    assert torch.equal(quantize(x, 1 / 32, "floor"), vectors["quantize_floor"])
    assert torch.equal(hook(x), vectors["quantize_hook"])
    assert torch.equal(hook(x, num_bits=7), vectors["quantize_8bit"])
    assert torch.equal(hook(x, num_bits=7, descale=True), vectors["quantize_8bit_descaled"])


def test_axonal_delay_and_its_gradients(vectors) -> None:
    spike, module = vectors["spike"].requires_grad_(), slayer.axon.Delay()
    module.load_state_dict({"delay": vectors["delay_values"]})
    delayed = module(spike)
    assert torch.equal(delayed, vectors["delay_out"])
    delayed.backward(vectors["delay_grad_out"])
    assert torch.equal(spike.grad, vectors["delay_grad_in"])
    close(module.delay.grad, vectors["delay_grad_delay"])


def test_events_are_written_and_read_to_the_byte(vectors, lava_golden, tmp_path) -> None:
    folder, io = lava_golden / "losses_utils", slayer.io
    line = io.Event(vectors["ev1_x"], None, np.zeros(60), vectors["ev1_t"])
    image = io.Event(*(vectors[f"ev2_{name}"] for name in "xyct"))
    for event, name, encode, read in (
        (line, "events.bs1", io.encode_1d_spikes, io.read_1d_spikes),
        (image, "events.bs2", io.encode_2d_spikes, io.read_2d_spikes),
        (image, "events_xypt.npy", io.encode_np_spikes, io.read_np_spikes),
    ):
        encode(tmp_path / name, event)
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
        found = read(folder / name)
        np.testing.assert_array_equal(found.x, event.x)
        np.testing.assert_array_equal(found.c, event.c)
        np.testing.assert_allclose(found.t, event.t, rtol=0, atol=5e-6)  # float32 of 50 ms
        assert found.dim == event.dim


def test_events_in_bins(vectors) -> None:
    event = slayer.io.Event(*(vectors[f"ev2_{name}"] for name in "xyct"))
    once, sums = vectors["ev_tensor_or"], vectors["ev_tensor_sum_ts2"]
    assert torch.equal(event.fill_tensor(torch.zeros_like(once)), once)
    empty = torch.zeros_like(sums)
    assert torch.equal(event.fill_tensor(empty, sampling_time=2, binning_mode="SUM"), sums)
