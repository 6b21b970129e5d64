"""Files in which lava-dl wrote what one of its neurons computed, and our network for each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import bidl_sim.processes as bp
from bidl_sim import Network, Process

KINDS = {
    "cuba": bp.CUBA,
    "alif": bp.ALIF,
    "rf": bp.RF,
    "rf_iz": bp.RFIzhikevich,
    "adrf": bp.ADRF,
    "adrf_iz": bp.ADRFIzhikevich,
    "sigma_delta": bp.SigmaDelta,
}
CASES = (
    "shared",
    "shared_float_input",
    "spatial_NCHWT",
    "per_channel",
    "graded",
    "persistent_two_calls",
    "surrogate_tau2_scale3",
    "mean_only_norm_eval",
    "wgt_scale_norm_eval",
)
DECAYS = ("current_decay", "voltage_decay", "sin_decay", "cos_decay")
ADAPTIVE = ("threshold_decay", "refractory_decay")
STATES = {
    "cuba": {"current": "p.u", "voltage": "p.reached"},
    "alif": {"current": "p.u", "voltage": "p.v"},
    "rf": {"real": "p.real", "imag": "p.imag"},
    "rf_iz": {"real": "p.reached_real", "imag": "p.reached_imag"},
    "adrf": {"real": "p.real", "imag": "p.imag"},
    "adrf_iz": {"real": "p.real", "imag": "p.imag"},
    "sigma_delta": {"sigma": "p.sigma", "delta_in": "p.act"},
}
"""Where we hold what a file calls so."""


@dataclass(frozen=True)
class Recorded:
    """One file: ``calls`` are the suffixes of its arrays, one for each call of the neuron."""

    neuron: str
    case: str
    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]

    @classmethod
    def read(cls, folder: Path, neuron: str, case: str) -> Recorded:
        with np.load(folder / "neurons" / f"{neuron}__{case}.npz") as file:
            arrays = dict(file)
        return cls(neuron, case, arrays, json.loads(str(arrays.pop("meta_json"))))

    @property
    def calls(self) -> tuple[str, ...]:
        return ("",) if "spike" in self.arrays else ("_call0", "_call1")

    @property
    def inputs(self) -> dict[str, str]:
        """Our InPort for each input of the file."""
        one = f"x{self.calls[0]}" in self.arrays
        return {"x": "a_in"} if one else {"real_in": "a_real_in", "imag_in": "a_imag_in"}

    def __call__(self, name: str) -> np.ndarray:
        """An array, ``(batch, time, *shape)``."""
        return np.ascontiguousarray(np.moveaxis(self.arrays[name], -1, 1))

    @property
    def normed(self) -> bool:
        return "norm" in self.meta["kwargs"]

    @property
    def states(self) -> dict[str, str]:
        """Where we hold each state of the file."""
        if self.neuron == "sigma_delta" and self.normed:
            return {"sigma": "sum.sigma", "delta_in": "p.act"}
        return STATES[self.neuron]

    @property
    def learned(self) -> dict[str, str]:
        """Where we hold each learned parameter of the file."""
        if self.neuron == "sigma_delta":
            return {"delta.threshold": "p.threshold"}
        found = {n: f"p.{n}" for n in DECAYS if f"param_{n}" in self.arrays}
        if self.neuron == "cuba" and self.normed:
            found["current_decay"] = "sum.decay"
        return found

    def parameters(self) -> dict[str, Any]:
        """Those of our process, by name."""
        given = self.meta["kwargs"]
        found = {n: given[n] for n in ("threshold", "threshold_step") if n in given}
        for name in (*DECAYS, *ADAPTIVE):
            if f"param_{name}" in self.arrays:
                value = self.arrays[f"param_{name}"].astype(np.float64) / 4096
                found[name] = value if value.size > 1 else value[0]
        return found

    def network(self) -> Network:
        """Inputs, the neuron ``p``, and the normalisation where lava-dl has it."""
        before, neuron = self.processes()
        net = Network()
        net.add(neuron)
        shape = self(f"{next(iter(self.inputs))}{self.calls[0]}").shape[2:]
        for name, port in self.inputs.items():
            chain = [bp.Input(shape, name=name)]
            if self.normed:
                chain += [*before[:1], self.norm(name), *before[1:]]
            for process in chain:
                net.add(process)
            for one, two in pairwise(chain):
                net.connect(one, two)
            net.connect(chain[-1], neuron.ports[port])
        return net

    def processes(self) -> tuple[list[Process], Process]:
        """What stands around a normalisation, if there is one, and the neuron."""
        given, parameters = self.meta["kwargs"], self.parameters()
        options = {n: given[n] for n in ("tau_grad", "scale_grad") if n in given}
        learn = [path.removeprefix("p.") for path in self.learned.values() if path[:2] == "p."]
        options |= {"name": "p", "learn": learn}
        if self.neuron == "sigma_delta":
            if self.normed:
                before = [bp.Sigma(name="sum"), bp.Activation(given["activation"])]
                return before, bp.Delta(**parameters, **options)
            return [], bp.SigmaDelta(activation=given["activation"], **parameters, **options)
        options["decay_grad"] = "slayer"
        options["output"] = "graded" if given.get("graded_spike") else "spike"
        before = []
        if self.neuron == "cuba" and self.normed:
            decay = parameters["current_decay"]
            parameters["current_decay"] = 1.0
            before = [bp.LeakyIntegrator(decay=decay, learn=True, decay_grad="slayer", name="sum")]
        return before, KINDS[self.neuron](**parameters, **options)

    def norm(self, name: str) -> bp.MeanOnlyBatchNorm:
        """The normalisation of one input, with the statistics of the file."""
        part = {"x": "norm", "real_in": "real_norm", "imag_in": "imag_norm"}[name]
        mean = self.arrays[f"{part}_running_mean"]
        if f"{part}_running_var" not in self.arrays:
            return bp.MeanOnlyBatchNorm(mean=mean)
        return bp.WeightScaleBatchNorm(mean=mean, var=self.arrays[f"{part}_running_var"][0])
