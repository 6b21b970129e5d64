"""Other simulators beside ours: who takes part, what is said of those who do not."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fake_peers import ABSENT, ALL, BROKEN, STEADY, UNABLE, broken_later, crashing, fake, slow

from bidl_sim.bench import layers, networks, peak, simulation, training
from bidl_sim.bench.peers import registry
from bidl_sim.bench.peers.entrant import Entrant
from bidl_sim.bench.peers.wiring import Wiring
from bidl_sim.cli import main

KEYS = {
    "peer", "version", "seconds", "ratio_to_ours", "spikes", "compile_s", "peak_memory_mb", "note",
}  # fmt: skip


@pytest.mark.parametrize("peers", [registry.SIMULATORS, registry.TRAINERS])
def test_the_registry_names_each_peer_once_and_works_that_exist(peers) -> None:
    names = [peer.name for peer in peers]
    assert len(set(names)) == len(names)
    kinds = {name.partition("_")[0] for name in simulation.WORKS} | set(training.WORKS)
    assert all(set(peer.works) <= kinds for peer in peers)
    assert all(peer.works for peer in peers)
    assert set(layers.WORKS) == set(training.WORKS)


def test_the_registry_imports_no_peer() -> None:
    code = (
        "import sys, bidl_sim.bench.peers.registry;"
        "print(*{'brian2', 'nest', 'brainpy', 'jax', 'nengo', 'snntorch', 'spikingjelly', 'norse',"
        " 'spyx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_figures_of_a_peer_are_medians_beside_ours() -> None:
    entrant = Entrant(STEADY, "chain")
    for _ in range(3):
        entrant.run()
    row = entrant.finish([1.0, 0.5, 1.0])
    assert set(row) == KEYS
    assert row["seconds"] == 3.0
    assert row["ratio_to_ours"] == 3.0  # of 3, 2 and 5
    assert row["spikes"] == 70
    assert row["version"] == np.__version__
    assert row["compile_s"] == 0.75


def test_a_first_run_may_count_as_compiling() -> None:
    entrant = Entrant(STEADY, "chain")
    entrant.warm_up()
    entrant.run()
    row = entrant.finish([1.0])
    assert row["seconds"] == 1.0
    assert row["compile_s"] == 3.75


@pytest.mark.parametrize(
    ("peer", "note"),
    [
        (BROKEN, "failed: RuntimeError: no such device"),
        (fake("late", broken_later), "failed: RuntimeError: no such device"),
        (fake("crash", crashing), "failed: its process ended"),
        (ABSENT, "not installed"),
        (UNABLE, "cannot do that"),
    ],
)
def test_who_has_no_figures_says_why(peer, note) -> None:
    entrant = Entrant(peer, "chain")
    entrant.warm_up()
    entrant.run()
    row = entrant.finish([1.0])
    assert set(row) == KEYS
    assert row["note"] == note
    assert row["seconds"] is row["ratio_to_ours"] is row["compile_s"] is None


def test_a_slow_peer_is_measured_once(monkeypatch) -> None:
    monkeypatch.setattr("bidl_sim.bench.peers.entrant.BUDGET", 0.1)
    entrant = Entrant(fake("slow", slow), "chain")
    for _ in range(5):
        entrant.run()
    assert len(entrant.took) == 1
    assert entrant.finish([0.1])["seconds"] == 0.2


def test_peers_are_rows_of_a_measurement() -> None:
    row = simulation.measure("chain", 50, ALL)
    assert [peer["peer"] for peer in row["peers"]] == ["steady", "broken", "absent", "unable"]
    assert row["peers"][0]["seconds"] == 3.0
    assert row["peers"][0]["ratio_to_ours"] > 1
    assert "peers" not in simulation.measure("chain", 50)


def test_the_command_prints_a_line_for_each_peer(monkeypatch, capsys) -> None:
    monkeypatch.setattr(registry, "SIMULATORS", ALL)
    assert main(["bench", "chain", "--steps", "50", "--peers"]) == 0
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line for line in printed.splitlines() if line.startswith("  ")}
    assert set(lines) == {"steady", "broken", "unable"}
    assert "3.000 s" in lines["steady"]
    assert "chain, steady: another order" in printed
    assert "chain, broken: failed: RuntimeError: no such device" in printed
    assert "chain, unable: cannot do that" in printed
    assert printed.endswith("not installed: absent; pip install 'bidl_sim[bench]'\n")

    assert main(["bench", "chain", "--steps", "50", "--peers", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert [set(peer) for peer in row["peers"]] == [KEYS] * 4
    assert row["peers"][2]["note"] == "not installed"


def test_a_training_step_beside_peers(monkeypatch, capsys) -> None:
    """The shape of the row; the work itself is replaced by nothing."""
    monkeypatch.setitem(training.WORKS, "lif", lambda: (lambda: None, lambda: None))
    monkeypatch.setattr(peak, "in_a_child", lambda work, name: {"steady": 12.0}.get(name))
    monkeypatch.setattr(registry, "TRAINERS", ALL)
    assert main(["bench", "lif", "--peers"]) == 0
    printed = capsys.readouterr().out
    assert next(line for line in printed.splitlines() if "steady" in line).endswith(" 12")
    assert main(["bench", "lif", "--peers", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert [peer["peak_memory_mb"] for peer in row["peers"]] == [12.0, None, None, None]
    assert row["peak_memory_mb"] is None


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells")
def test_peak_memory_counts_what_a_step_holds() -> None:
    """Within 4 MB: the interpreter gets some back that it had just given back."""
    megabytes = 64
    hold = partial(np.ones, megabytes * 1_000_000 // 8)
    assert peak.rise(hold) == pytest.approx(megabytes, abs=4)
    assert peak.rise(lambda: None) == pytest.approx(0, abs=4)


def test_peak_memory_of_an_unknown_peer_is_not_known() -> None:
    assert peak.in_a_child("lif", "nobody") is None


def test_wiring_is_that_of_the_processes() -> None:
    net = networks.cuba(200)
    wiring = Wiring(net)
    assert wiring.size == 200
    np.testing.assert_array_equal(wiring.v[:160], net.processes["exc"].initial["v"])
    assert sum(len(s.pre) for s in wiring.synapses) == networks.synapses(net)
    joined = wiring.joined("inh")
    assert joined.delay == 1
    assert set(joined.weight.tolist()) == {-9.0}
    assert joined.pre.min() >= 160
    to_exc = net.processes["inh_to_exc"]
    first = wiring.joined("inh", "exc")
    np.testing.assert_array_equal(first.post, to_exc.targets)
    offsets, targets, _ = first.by_source(200)
    np.testing.assert_array_equal(offsets[160:], to_exc.offsets)
    np.testing.assert_array_equal(targets, to_exc.targets)


def test_wiring_of_dense_synapses_is_their_matrix() -> None:
    net = networks.chain()
    _, weights = networks.chain_weights()
    found = np.zeros((1000, 1000), np.float32)
    joined = Wiring(net).joined()
    found[joined.post, joined.pre] = joined.weight
    np.testing.assert_array_equal(found[100:200, :100], weights[0].astype(np.float32))
    assert np.count_nonzero(found) == networks.synapses(net)
