"""Our neurons do, step by step, what those of Lava do: integers exactly, real numbers to 1e-9."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bidl_sim.processes as bp
from bidl_sim import Network, Process, Simulator

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Lava:
    """How a process of Lava is made here, and where we hold its variables.

    ``make`` takes the arguments of Lava's process, and "integer" or "float".
    """

    make: Callable[[Given, str], Process]
    states: Mapping[str, str] = field(default_factory=dict)


def leaky(p: Given, arithmetic: str, lost: int = 1) -> dict[str, Any]:
    """Decays; the integer models of Lava lose one more from the current than they say."""
    if arithmetic == "float":
        return {"arithmetic": "float", "current_decay": p["du"], "voltage_decay": p["dv"]}
    decays = {"current_decay": (p["du"] + lost) / 4096, "voltage_decay": p["dv"] / 4096}
    return {"arithmetic": "integer", "wrap": True, **decays}


def lif(p: Given, arithmetic: str) -> bp.CUBA:
    exponent = p.get("bias_exp", 6) - 6 if arithmetic == "integer" else 0
    options = {"bias": p.get("bias_mant", 0) * 2.0**exponent}
    if "reset_interval" in p:  # Lava counts its steps from 1
        options |= {"reset_interval": p["reset_interval"], "reset_offset": p["reset_offset"] - 1}
    if "refractory_period" in p:
        options["refractory"] = p["refractory_period"]
    return bp.CUBA(threshold=p["vth"], **leaky(p, arithmetic), **options)


def ternary(p: Given, arithmetic: str) -> bp.TernaryLIF:
    return bp.TernaryLIF(upper=p["vth_hi"], lower=p["vth_lo"], **leaky(p, arithmetic))


def adaptive(p: Given, arithmetic: str) -> bp.ALIF:
    return bp.ALIF(
        arithmetic=arithmetic,
        threshold=p["theta_0"],
        threshold_step=p["theta_step"],
        current_decay=p["delta_i"],
        voltage_decay=p["delta_v"],
        threshold_decay=p["delta_theta"],
        refractory_decay=p["delta_r"],
    )


def resonating(kind: type[bp.RF] | type[bp.RFIzhikevich]) -> Callable[[Given, str], Process]:
    def make(p: Given, arithmetic: str) -> Process:
        angle = 2 * np.pi / p["period"]
        decays = (1 - p["alpha"]) * np.array([np.sin(angle), np.cos(angle)])
        if arithmetic == "integer":
            decays = np.trunc(4096 * decays) / 4096
        wrap = arithmetic == "integer"
        return kind(
            threshold=p["vth"],
            sin_decay=decays[0],
            cos_decay=decays[1],
            arithmetic=arithmetic,
            wrap=wrap,
        )

    return make


def difference(p: Given, arithmetic: str) -> dict[str, Any]:
    names = ("cum_error", "state_exp", "spike_exp")
    return {"arithmetic": arithmetic, "threshold": p["vth"], **{n: p[n] for n in names if n in p}}


def sigma_delta(correction: str) -> Callable[[Given, str], Process]:
    def make(p: Given, arithmetic: str) -> Process:
        activation = ("identity", "relu")[p["act_mode"]]
        options = difference(p, arithmetic)
        return bp.SigmaDelta(
            bias=p["bias"], activation=activation, correction=correction, **options
        )

    return make


LEAKY = {"u": "u", "v": "v"}
TURNING = {"real": "real", "imag": "imag"}
DIFFERENCE = {"act": "act", "residue": "residue", "error": "error"}

PROCESSES = {
    "lif": Lava(lif, LEAKY),
    "lifreset": Lava(lif, LEAKY),
    "lifrefractory": Lava(lif, LEAKY),
    "ternarylif": Lava(ternary, LEAKY),
    "atrlif": Lava(adaptive, {"i": "u", "v": "v", "r": "refractory"}),
    "rf": Lava(resonating(bp.RF), TURNING),
    "rf_iz": Lava(resonating(bp.RFIzhikevich), TURNING),
    "sigma": Lava(lambda p, _: bp.Sigma(), {"sigma": "sigma"}),
    "delta": Lava(lambda p, a: bp.Delta(**difference(p, a)), DIFFERENCE),
    "sigmadelta": Lava(sigma_delta("residue"), {"sigma": "sigma", **DIFFERENCE}),
    "sigmadelta_corrected": Lava(sigma_delta("act"), {"sigma": "sigma", "act": "act"}),
    "gradedvec": Lava(lambda p, _: bp.GradedVec(threshold=p["vth"])),
    "gradedreluvec": Lava(lambda p, _: bp.GradedReLUVec(threshold=p["vth"])),
    "prodneuron": Lava(
        lambda p, a: bp.ProductNeuron(threshold=p["vth"], exponent=p["exp"], arithmetic=a)
    ),
}
FILES = (
    "atrlif_float",
    "delta_fixed_cum0",
    "delta_fixed_cum1",
    "delta_float_cum0",
    "delta_float_cum1",
    "gradedreluvec_fixed",
    "gradedvec_fixed",
    "lif_fixed",
    "lif_fixed_overflow",
    "lif_float",
    "lifrefractory_float",
    "lifreset_fixed",
    "lifreset_float",
    "prodneuron_fixed",
    "rf_fixed",
    "rf_float",
    "rf_iz_fixed",
    "rf_iz_float",
    "sigma_fixed",
    "sigmadelta_fixed_corrected",
    "sigmadelta_fixed_cum0",
    "sigmadelta_fixed_cum1",
    "sigmadelta_float_unit",
    "ternarylif_fixed",
    "ternarylif_float",
)
ON_EVENTS = ("lif_fixed_overflow", "lifreset_fixed", "rf_iz_fixed", "sigmadelta_fixed_cum1")


def compare(folder: Path, name: str, engine: str) -> None:
    with np.load(folder / "lava_procs" / f"{name}.npz") as file:
        d = dict(file)
    meta = json.loads(str(d["meta_json"]))
    arithmetic = "float" if meta["tag"] == "floating_pt" else "integer"
    kind = name.split("_fixed")[0].split("_float")[0]
    lava = PROCESSES["sigmadelta_corrected" if name.endswith("corrected") else kind]
    neuron = lava.make(meta["params"], arithmetic)
    net = Network()
    net.add(neuron, "p")
    inputs = {}
    for given in meta["inputs"]:
        values = d[f"in_{given}"]
        source = net.add(bp.Input(len(values), name=given))
        net.connect(source, neuron.ports[given])
        inputs[given] = values.T.astype(float)
    sim = Simulator(net, engine=engine, dtype="float64")
    kept = neuron.states(training=False)
    probes = {n: sim.probe(f"p.{s}") for n, s in lava.states.items() if s in kept}
    out = sim.run(inputs if len(inputs) > 1 else inputs[given])
    bound = 1e-9 if arithmetic == "float" else 0
    np.testing.assert_allclose(out, d["out"].T, atol=bound, rtol=0)
    for variable, probe in probes.items():
        wanted = d[f"var_{variable}"].T
        np.testing.assert_allclose(probe.data, wanted, atol=bound, rtol=0, err_msg=variable)


@pytest.mark.parametrize("name", FILES)
def test_every_step_is_lavas(name, lava_golden) -> None:
    compare(lava_golden, name, "torch")


@pytest.mark.parametrize("name", ON_EVENTS)
def test_on_the_event_engine(name, lava_golden) -> None:
    compare(lava_golden, name, "event")
