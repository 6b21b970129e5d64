"""Read a model file with h5py and numpy alone, as docs/format.md describes it, and run it.

Nothing of bidl_sim is used in the reader, so that it can be carried over to another language.
"""

import h5py
import numpy as np


def read(path):
    """Processes in order as (name, type, options, parameters), and connections."""
    with h5py.File(path) as file:
        assert file.attrs["format"] == b"bidl_sim network"
        assert file.attrs["version"] == 1
        network = file["network"]
        groups = sorted(network["processes"].items(), key=lambda item: item[1].attrs["index"])
        processes = {
            name: (
                group.attrs["type"].decode(),
                dict(group["options"].attrs),
                {key: data[()] for key, data in group["parameters"].items()},
            )
            for name, group in groups
        }
        table = network["connections"]
        columns = (table["source"].asstr()[()], table["target"].asstr()[()], table["delay"][()])
        return processes, list(zip(*columns, strict=True))


def run(processes, connections, frames):
    """The output of the last process: one timestep after the other, sources before targets."""
    feeds = {}
    for source, target, delay in connections:
        assert delay == 0, "this small reader has no delays"
        feeds.setdefault(target.rpartition(".")[0], []).append(source.rpartition(".")[0])
    state = {}
    for t, frame in enumerate(frames):
        sent = {}
        for name, (kind, options, p) in processes.items():
            x = sum(sent[source] for source in feeds[name]) if name in feeds else frame
            if kind == "Dense":
                x = p["weight"] @ x + p.get("bias", 0.0)
            elif kind == "LIF":
                u = state.get(name, 0.0) + x
                spike = (u > p["v_th"]).astype(float)
                hard = (1 - spike) * u + spike * p["v_reset"]
                left = u - spike * p["v_th"] if options["reset"] == b"soft" else hard
                state[name] = p["alpha"] * left + p["beta"]
                x = spike
            elif kind == "TimeMean":
                state[name] = state.get(name, 0.0) + x
                x = state[name] / (t + 1)
            sent[name] = x
    return sent[name]


if __name__ == "__main__":
    from bidl_sim import Network, Simulator, netx
    from bidl_sim.processes import LIF, Dense, Input, TimeMean

    net = Network.sequential(
        Input(6), Dense(6, 20), LIF(alpha=0.9), Dense(20, 10, bias=False), LIF(reset="soft"),
        Dense(10, 3), TimeMean(),
    )  # fmt: skip
    netx.save(net, "small.net")
    frames = np.random.default_rng(0).random((25, 6))

    processes, connections = read("small.net")
    print("processes:", ", ".join(f"{name} ({kind})" for name, (kind, _, _) in processes.items()))
    mine = run(processes, connections, frames)
    theirs = Simulator(net, dtype="float64").run(frames)
    print("the same output:", bool(np.allclose(mine, theirs, atol=1e-12)))
