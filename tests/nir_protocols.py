"""Published NIR files, and what libraries agree that they give."""

from __future__ import annotations

import json

import numpy as np

from bidl_sim import Simulator

GOLDEN = (
    "lif_norse.npz",
    "cnn_sinabs_seed11.npz",
    "cnn_sinabs_seed12.npz",
    "braille_noDelay_noBias_subtract_seed12.npz",
)


class Protocol:
    """One file with its options, and what goes in and comes out."""

    def __init__(self, folder, name: str) -> None:
        entries = json.loads((folder / "golden.json").read_text())
        (entry,) = (e for e in entries if e["golden"] == name)
        self.path = folder / entry["file"]
        names = ("dt", "reset", "v_min", "compare")
        self.options = {n: entry[n] for n in names if n in entry}
        if entry.get("multi"):
            self.options["max_spikes"] = np.inf
        with np.load(folder / name) as file:
            self.arrays = dict(file)
        self.input = self.arrays["input"].astype(float)

    def check(self, net, engine: str = "torch", dtype: str = "float32") -> None:
        sim = Simulator(net, engine=engine, dtype=dtype)
        nodes = {n[5:]: v for n, v in self.arrays.items() if n.startswith("node_")}
        probes = {name: sim.probe(f"{name}.s_out") for name in nodes}
        out = sim.run(self.input, progress=False)
        np.testing.assert_array_equal(out, self.arrays["output"])
        assert probes
        for name, probe in probes.items():
            np.testing.assert_array_equal(probe.data, nodes[name], name)
