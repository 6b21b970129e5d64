"""Learning rules in real numbers do, step by step, what those of Lava do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bidl_sim import Network, Simulator
from bidl_sim.processes import CUBA, Dense, Input, LoihiRule


def network(d, meta) -> Network:
    """Learned synapses and driving ones into neurons that forget; what Dense sends is late."""
    (n_pre, _), (n_post, _) = d["pre"].shape, d["postdrive"].shape
    p = dict(meta["params"])
    if meta["rule"] == "STDPLoihi":
        p |= {"a_plus": p.pop("A_plus"), "a_minus": p.pop("A_minus")}
        rule = LoihiRule.stdp(**p)
    else:
        rule = LoihiRule(**p)
    lif = meta["lif"]
    net = Network()
    pre, drive = net.add(Input(n_pre, name="pre")), net.add(Input(n_post, name="drive"))
    learning = net.add(Dense(n_pre, n_post, weight=d["w0"], bias=False, name="learning"))
    strong = meta["drive_weight"] * np.eye(n_post)
    driving = net.add(Dense(n_post, n_post, weight=strong, bias=False))
    options = {"threshold": lif["vth"], "current_decay": lif["du"], "voltage_decay": lif["dv"]}
    post = net.add(CUBA(arithmetic="float", name="post", **options))
    net.connect(pre, learning)
    net.connect(drive, driving)
    for synapse in (learning, driving):
        net.connect(synapse, post, delay=1)
    rule.name = "rule"
    net.add(rule).learn_between(pre, learning, post)
    return net


def compare(path: Path) -> None:
    with np.load(path) as file:
        d = dict(file)
    net = network(d, json.loads(str(d["meta_json"])))
    sim = Simulator(net, dtype="float64")
    found = []
    for pre, drive in zip(d["pre"].T, d["postdrive"].T, strict=True):
        out = sim.run({"pre": pre[None].astype(float), "drive": drive[None].astype(float)})
        traces = (sim.read(f"rule.{name}") for name in ("x1", "y1"))
        found.append([sim.read("learning.weight"), *traces, out[0]])
    for name, values in zip(("weights", "x1", "y1", "post"), zip(*found, strict=True), strict=True):
        assert d[name].any()
        wanted = np.moveaxis(d[name], -1, 0)
        np.testing.assert_allclose(np.array(values), wanted, atol=1e-9, rtol=0, err_msg=name)


@pytest.mark.parametrize("name", ["custom_decay_float", "stdp_float_epoch1", "stdp_float_epoch4"])
def test_every_step_is_lavas(name, lava_golden) -> None:
    compare(lava_golden / "lava_stdp" / f"{name}.npz")
