"""What would a file of each format lose of a network?"""

from __future__ import annotations

import pytest

import bidl_sim.processes as bp
from bidl_sim import Network, netx
from bidl_sim.netx.losses import losses

WEIGHTS = [[0.5, -0.25], [1.0, 0.75]]


def row(*processes) -> Network:
    return Network.sequential(bp.Input(2), *processes)


def test_each_format_has_its_say() -> None:
    net = row(bp.Dense(2, 2, weight=WEIGHTS, bias=False), bp.CUBA(voltage_decay=0.5))
    found = losses(net)
    assert found["bidl_sim"] == ()
    assert found["lava-dl"][0] == "names of processes"
    assert len(found["NIR"]) == 1
    assert "refused: CUBA" in found["NIR"][0]
    assert found["onnx"] == (
        "written, not read again: it holds the operations of a timestep, and no training",
    )


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"surrogate": "atan"}, "cuba1, surrogate: 'atan' here, 'exponential' in the file"),
        ({"voltage_decay": 0.3}, "cuba1.voltage_decay: 0.3 here, 0.300048828125 in the file"),
    ],
)
def test_what_changes_is_named(change, line) -> None:
    synapse = bp.Dense(2, 2, weight=WEIGHTS, bias=False, quantize=(64, 8))
    plain = row(synapse, bp.CUBA(voltage_decay=0.5))
    assert losses(plain)["lava-dl"] == ("names of processes",)
    synapse = bp.Dense(2, 2, weight=WEIGHTS, bias=False, quantize=(64, 8))
    changed = row(synapse, bp.CUBA(**{"voltage_decay": 0.5, **change}))
    assert any(found.startswith(line) for found in losses(changed)["lava-dl"])


def test_a_file_of_a_format_loses_nothing_in_it(lava_golden, nir_files) -> None:
    for path, name in (
        (lava_golden / "nets" / "cuba_recurrent.net", "lava-dl"),
        (nir_files / "braille_noDelay_noBias_subtract.nir", "NIR"),
    ):
        found = netx.info(path).losses
        assert found["bidl_sim"] == found[name] == ()
        others = set(found) - {"bidl_sim", name, "onnx"}
        assert all(found[other][0].startswith("refused: ") for other in others)


def test_metadata_is_lost_by_name(tmp_path) -> None:
    net = row(bp.Dense(2, 2, weight=WEIGHTS, bias=False, quantize=(64, 8)), bp.CUBA())
    netx.save(net, tmp_path / "a.net", metadata={"classes": ["a", "b"]})
    found = netx.info(tmp_path / "a.net").losses
    assert "metadata: classes" in found["lava-dl"]
    assert not any("metadata" in line for line in (*found["bidl_sim"], *found["NIR"]))


def test_operations_and_a_tree(tmp_path) -> None:
    inner = Network.sequential(bp.Dense(2, 3, bias=False, name="fc"), bp.IF(name="lif"))
    netx.save(row(inner), tmp_path / "a.net")
    found = netx.info(tmp_path / "a.net")
    counts = {p.place[-1]: p.operations for p in found.processes}
    assert counts["fc"] == 6
    assert counts["lif"] == 3 * 8  # input, distance to the threshold, spike, reset, leak, offset
    lines = [line.split() for line in str(found).splitlines()]
    assert [line[:2] for line in lines[5:8]] == [
        [found.processes[1].place[0], "Network"],
        ["fc", "Dense"],
        ["lif", "IF"],
    ]
